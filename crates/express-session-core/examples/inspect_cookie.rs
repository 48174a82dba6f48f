//! Verifies a signed session id, and shows the value of the cookie that would be sent back.
//!
//! ```console
//! $ cargo run -p express-session-core --example inspect_cookie
//! signed with secret number 2
//! connect.sid=s%3Aan-id.…
//! ```

use std::error::Error;
use std::io::Write as _;

use express_session_core::Secrets;

fn main() -> Result<(), Box<dyn Error>> {
    // The first secret signs, all verify: this cookie was signed before the new secret came.
    let secrets = Secrets::new(["the new secret", "the old secret"])?;
    let signed = Secrets::new(["the old secret"])?.sign("an-id");

    let verified = secrets.unsign(&signed).ok_or("the signature is wrong")?;
    let answer = secrets.cookie_value(verified.value);
    let mut out = std::io::stdout();
    writeln!(out, "signed with secret number {}", verified.secret + 1)?;
    writeln!(out, "connect.sid={answer}")?;
    Ok(())
}
