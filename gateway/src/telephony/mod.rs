//! The gateway's side of Asterisk: the connection, the directory of who can be called, and the phones.
