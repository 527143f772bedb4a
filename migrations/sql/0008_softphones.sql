-- A leg names the device that it ran on, also one that is in no table: a browser's softphone lives as long as its sign-in, in the gateway
-- and not in the database, which may be away when somebody takes a call with it.
ALTER TABLE call_legs DROP CONSTRAINT call_legs_tenant_id_device_id_fkey;
