//! Conditional writes together: one `UPDATE` in which each row has its own condition.

use std::sync::Arc;

use express_session_core::{Document, Revision, SessionId};
use mysql_async::Value;

use super::matched::Matched;
use super::{Sender, Verb, padded};
use crate::database::Statement;
use crate::error::{Cause, MySqlError};
use crate::expiry::current_second;

/// What is in the place of a number of characters: no text has it.
const NEVER: i64 = -1;

/// Compare-and-set of live rows.
#[derive(Debug)]
pub(crate) struct Writes(pub(super) Arc<Sender>);

/// One conditional write.
#[derive(Debug)]
pub(crate) struct WriteRequest {
    pub(crate) id: SessionId,
    pub(crate) document: Document,
    pub(crate) expires: u32,
    pub(crate) expected: Revision,
    /// How many characters are expected.
    pub(crate) expected_chars: usize,
}

impl Verb for Writes {
    type Request = WriteRequest;
    /// Whether the row was as expected, and has been written.
    type Outcome = bool;

    const REPEATABLE: bool = false;

    /// The second would be judged by what the first expects.
    fn exclude_each_other(one: &WriteRequest, other: &WriteRequest) -> bool {
        one.id == other.id
    }

    async fn carry_out(&self, writes: &[WriteRequest]) -> Result<Vec<Option<bool>>, MySqlError> {
        let Sender { database, statements, clock, generation, .. } = &*self.0;
        let sized = statements.for_requests(writes.len());
        let (now, number) = (current_second(clock.now()), generation.next());
        // What is there only to fill a text up has the id of the last one, and would never match.
        let filling = sized.size - writes.len();
        let params = || {
            let ids = || padded(writes, sized.size).map(|write| Value::from(write.id.as_str()));
            let texts = |text: fn(&WriteRequest) -> &[u8]| {
                writes
                    .iter()
                    .map(move |write| Value::from(text(write)))
                    .chain((0..filling).map(|_| "".into()))
            };
            let expires = padded(writes, sized.size).map(|write| Value::from(write.expires));
            let chars = writes.iter().map(|write| Value::from(write.expected_chars));
            let mut params = Vec::with_capacity(10 * sized.size + 3);
            params.extend(ids().chain(texts(|write| write.document.text().as_bytes())));
            params.extend(ids().chain(expires));
            params.extend([Value::from(number), Value::from(number)]);
            params.extend(ids().chain(ids()));
            params.push(now.into());
            params.extend(ids().chain(texts(|write| write.expected.as_bytes())));
            params.extend(ids().chain(chars).chain((0..filling).map(|_| NEVER.into())));
            params
        };
        let answer = database.run(Statement::shared_once(&sized.replace), params).await?;
        let Some(matched) = Matched::read(&answer, number) else {
            self.0.stop_sharing_updates();
            // Whether it was written is not known, as when the answer is lost.
            return Err(MySqlError::ConnectionLost(Cause::Driver(
                "the server does not tell which rows it matched",
            )));
        };
        Ok((0..writes.len()).map(|place| Some(matched.has(place))).collect())
    }
}
