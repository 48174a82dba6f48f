//! What a page may do in a browser: nothing but what it was written to do.

use actix_web::http::header::HeaderValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

/// For answers that are no page.
pub(crate) const NOTHING: &str =
    "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The `Content-Security-Policy` of a page that has these inline styles and scripts, an icon of its own, and forms that lead
/// to this server. Everything else, such as a script that somebody has smuggled into a name, does not run.
pub fn content_policy(styles: &[&str], scripts: &[&str]) -> HeaderValue {
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'self'; \
         frame-ancestors 'none'",
        sources(styles),
        sources(scripts)
    );
    // Base64 and words in ASCII.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static(NOTHING))
}

/// The policy of a page that is a file and has nothing put into it: its own inline styles and scripts may run.
pub fn content_policy_of_file(html: &str) -> HeaderValue {
    content_policy(&inside(html, "style"), &inside(html, "script"))
}

/// The texts that stand between `<tag>` and `</tag>`.
fn inside<'a>(html: &'a str, tag: &str) -> Vec<&'a str> {
    let (open, close) = (format!("<{tag}>"), format!("</{tag}>"));
    html.split(&open).skip(1).filter_map(|rest| rest.split_once(&close)).map(|(text, _)| text).collect()
}

fn sources(texts: &[&str]) -> String {
    if texts.is_empty() {
        return "'none'".to_owned();
    }
    let hashes = texts.iter().map(|text| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text))));
    hashes.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hash is that of `openssl dgst -sha256 -binary | base64`.
    #[test]
    fn inline_texts_are_named_by_their_hash() {
        let policy = content_policy_of_file("<style>a</style><p>b</p><script>alert(1)</script>");
        let policy = policy.to_str().unwrap();
        assert!(
            policy.contains("style-src 'sha256-ypeBEsobvcr6wjGzmiPcTaeG7/gUfE5yuYB3ha/uSLs='"),
            "{policy}"
        );
        assert!(
            policy.contains("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='"),
            "{policy}"
        );
        let plain = content_policy(&[], &[]);
        assert!(plain.to_str().unwrap().contains("style-src 'none'; script-src 'none'"));
    }
}
