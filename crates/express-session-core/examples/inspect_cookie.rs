//! Verifies a session cookie as it stands in a request, and shows what would be sent back.
//!
//! ```console
//! $ cargo run -p express-session-core --example inspect_cookie
//! the cookie is signed with secret number 1
//! Set-Cookie: connect.sid=s%3Aan-id.…; Path=/; HttpOnly
//! ```

use std::error::Error;
use std::io::Write as _;

use express_session_core::{Cookie, SIGNED_PREFIX, Secrets, cookie_values, set_cookie};

fn main() -> Result<(), Box<dyn Error>> {
    let secrets = Secrets::new(["the new secret", "the old secret"])?;
    let header =
        format!("theme=dark; connect.sid={}", Secrets::new(["the old secret"])?.cookie_value("an-id"));

    let value = cookie_values([header.as_bytes()], "connect.sid").next().ok_or("no such cookie")?;
    let signed = value.strip_prefix(SIGNED_PREFIX).ok_or("not a signed cookie")?;
    let verified = secrets.unsign(signed).ok_or("the signature is wrong")?;

    let answer = set_cookie("connect.sid", &secrets.cookie_value(&verified.value), &Cookie::default())?;
    let mut out = std::io::stdout();
    writeln!(out, "the cookie is signed with secret number {}", verified.secret)?;
    writeln!(out, "Set-Cookie: {answer}")?;
    Ok(())
}
