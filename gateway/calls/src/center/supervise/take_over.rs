//! A supervisor takes a call over: from now on their leg is the agent's.

use chrono::{DateTime, Utc};
use serde_json::json;
use trunkline_db::{AgentId, CallId, TenantId};

use super::take_down;
use crate::center::Center;
use crate::center::call::Call;
use crate::center::commands::{OnPhone, SuperviseMode};
use crate::center::io::{Output, Request};
use crate::model::CallState;
use crate::{CallCommandError, Sight};

impl Center {
    /// Somebody wants the call themselves.
    pub(in crate::center) fn try_take_over(
        &mut self,
        now: DateTime<Utc>,
        of: (TenantId, CallId),
        sight: &Sight,
        phone: &OnPhone,
        out: &mut Vec<Output>,
    ) -> Result<(), CallCommandError> {
        let by = AgentId::from(sight.user);
        let call = self.seen(of, sight)?;
        if !is_possible(call) || call.talkers().contains(&by) {
            return Err(CallCommandError::NotNow);
        }
        match call.supervisors.iter().find(|one| one.by == by) {
            Some(one) if one.there.is_some() => {
                self.take_over(now, of.1, by, out);
                Ok(())
            }
            Some(one) => {
                let mode = one.mode;
                self.try_supervise(now, of, sight, (mode, phone, true), out)
            }
            None => self.try_supervise(now, of, sight, (SuperviseMode::Listen, phone, true), out),
        }
    }

    /// The supervisor talks with the customer from now on, in place of who is responsible.
    pub(super) fn take_over(&mut self, now: DateTime<Utc>, id: CallId, by: AgentId, out: &mut Vec<Output>) {
        let Some(tenant) = self.calls.get(&id).map(|call| call.tenant) else { return };
        let announced = self.announces(tenant);
        let Some(call) = self.calls.get_mut(&id) else { return };
        let Some(from) = call.talking_agent_leg().and_then(|leg| leg.agent_id) else { return };
        let Some(there) = take_down(call, by, out).and_then(|one| one.there) else { return };
        let leg = there.leg.id.clone();
        call.add_leg(there.leg);
        call.resumed(now);
        out.push(call.request(Request::StopMusic { channel: call.customer() }));
        call.let_in(vec![leg], out);
        out.push(call.request(Request::DestroyBridge { bridge: there.booth }));
        call.dismiss(from, now, out);
        call.row.agent_id = Some(by);
        if let Some((told, _)) = there.told {
            let data = json!({ "agent_id": by, "why": "take_over" });
            call.note_supervision("call.supervision_ended", now, by, Some(told).filter(|_| announced), data);
        }
        call.answered_again(now, by);
        call.transferred(now, "take_over", (from, by));
        out.push(call.record(Some((from, now))));
        self.disengage(now, id, from, true, out);
        self.engage(now, id, by, true, out);
    }
}

/// Whether somebody talks with the customer, and it is not being handed on.
pub(super) fn is_possible(call: &Call) -> bool {
    let is_handed_on =
        call.direct.is_some() || call.outside.is_some() || call.consult.is_some() || call.reattach.is_some();
    call.row.state == CallState::Active && !is_handed_on && call.talking_agent_leg().is_some()
}
