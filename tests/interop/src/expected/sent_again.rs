//! D1 and D31 (`reissue`): the cookie of a session that was there already is sent again.

use super::Due;
use crate::config::{OptionSet, StoreKind};
use crate::mismatch::Observation;
use crate::script::Request;

/// Whether the request comes with a cookie that is to be replaced.
pub(super) fn is_reissued(set: &OptionSet, request: &Request) -> bool {
    set.is_on("reissue") && request.sends.secret().is_some()
}

/// The cookie that is due goes out, if Node has not sent it; and it is stored, where Node's touch does not store it.
pub(super) fn apply(store: StoreKind, set: &OptionSet, request: &Request, due: &Due, ours: &mut Observation) {
    if !due.changed && !is_reissued(set, request) {
        return;
    }
    if let Some(answer) = &mut ours.answer
        && answer.session_cookie(set.cookie_name()).is_none()
    {
        answer.set_cookie.extend(due.set_cookie.clone());
    }
    let touch_stores_it = matches!(store, StoreKind::Memory | StoreKind::File);
    if due.changed
        && !touch_stores_it
        && let Some(entry) = ours.stored.get_mut(&due.id)
    {
        entry.document.clone_from(&due.document);
    }
}
