//! Touches together: one `UPDATE` of `expires`.

use std::sync::Arc;

use express_session_core::{SessionId, TouchOutcome};
use mysql_async::Value;

use super::matched::Matched;
use super::{Sender, Verb, padded};
use crate::database::Statement;
use crate::error::{Cause, MySqlError};
use crate::expiry::current_second;

/// Touches of live rows.
#[derive(Debug)]
pub(crate) struct Touches(pub(super) Arc<Sender>);

/// One touch.
#[derive(Debug)]
pub(crate) struct TouchRequest {
    pub(crate) id: SessionId,
    pub(crate) expires: u32,
}

impl Verb for Touches {
    type Request = TouchRequest;
    type Outcome = TouchOutcome;

    const REPEATABLE: bool = true;

    /// Only the first of them would be told that the row has matched.
    fn exclude_each_other(one: &TouchRequest, other: &TouchRequest) -> bool {
        one.id == other.id
    }

    async fn carry_out(&self, touches: &[TouchRequest]) -> Result<Vec<Option<TouchOutcome>>, MySqlError> {
        let Sender { database, statements, clock, generation, .. } = &*self.0;
        let sized = statements.for_requests(touches.len());
        let (now, number) = (current_second(clock.now()), generation.next());
        let params = || {
            let ids = || padded(touches, sized.size).map(|touch| Value::from(touch.id.as_str()));
            let expires = padded(touches, sized.size).map(|touch| Value::from(touch.expires));
            let mut params = Vec::with_capacity(4 * sized.size + 3);
            params.extend(ids().chain(expires));
            params.extend([Value::from(number), Value::from(number)]);
            params.extend(ids().chain(ids()));
            params.push(now.into());
            params
        };
        let answer = database.run(Statement::shared_update(&sized.touch), params).await?;
        let Some(matched) = Matched::read(&answer, number) else {
            self.0.stop_sharing_updates();
            // Touching once more does no harm.
            return Err(MySqlError::Other(Cause::Driver("the server does not tell which rows it matched")));
        };
        let outcome = |place| if matched.has(place) { TouchOutcome::Touched } else { TouchOutcome::Gone };
        Ok((0..touches.len()).map(|place| Some(outcome(place))).collect())
    }
}
