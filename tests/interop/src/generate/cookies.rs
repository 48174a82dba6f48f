//! Changes of a cookie's attributes.

use serde_json::{Value, json};

use super::Maker;
use crate::script::Operation;

impl Maker<'_> {
    /// A change of one attribute; what no cookie can have, and ends that are over, are known differences.
    pub(super) fn cookie_change(&mut self) -> Operation {
        let lifetimes = self.lifetimes_may_vary();
        let random = &mut self.random;
        let cookie = |name: &str, value: Value| Operation::Cookie { name: name.to_owned(), value };
        let (name, choices) = match random.below(12) {
            0..=2 if lifetimes => {
                let ms = random.pick(&[json!(null), json!(5_000), json!(120_000), json!(2_500.0)]).clone();
                return Operation::MaxAge { ms };
            }
            3 | 4 if lifetimes => (
                "expires",
                vec![json!("2031-12-31T23:59:59.999Z"), json!("2030-06-01T00:00:00.000Z"), json!(null)],
            ),
            0..=4 => return Operation::MaxAge { ms: json!(null) },
            5 => ("path", vec![json!("/"), json!("/app"), json!("/page"), json!("/too")]),
            6 => ("domain", vec![json!("example.org"), json!("www.example.org"), json!(null)]),
            7 => ("secure", vec![json!(true), json!(false)]),
            8 => ("httpOnly", vec![json!(true), json!(false)]),
            9 => ("sameSite", vec![json!(true), json!(false), json!("Lax"), json!("strict"), json!("none")]),
            10 => ("partitioned", vec![json!(true), json!(false)]),
            _ => ("priority", vec![json!("low"), json!("High"), json!("medium"), json!(null)]),
        };
        cookie(name, random.pick(&choices).clone())
    }
}
