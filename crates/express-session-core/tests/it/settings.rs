//! Options as a configuration has them.

use std::time::Duration;

use express_session_core::{
    CookieOptions, Options, OptionsBuilder, OwnerLimit, SessionSettings, StoreOutage, Unset,
};
use serde_json::{Value, json};

const SECRET: &str = "a secret for tests only, 32 bytes+";

fn settings(value: Value) -> SessionSettings {
    serde_json::from_value(value).unwrap()
}

fn complaint(value: Value) -> String {
    serde_json::from_value::<SessionSettings>(value).unwrap_err().to_string()
}

fn built(builder: OptionsBuilder, value: Value) -> Options {
    builder.settings(&settings(value)).build().unwrap()
}

#[test]
fn what_is_not_said_stays_as_the_code_has_it() {
    let code = || Options::new([SECRET]).name("sid").lazy(true).store_timeout(Duration::from_secs(9));
    let same = built(code(), json!({}));
    assert_eq!((same.name(), same.lazy(), same.store_timeout()), ("sid", true, Duration::from_secs(9)));
    assert!(same.cache_headers());
    let other = built(
        code(),
        json!({"name": "other", "lazy": false, "store_timeout_ms": 250, "cache_headers": false,
            "clear_site_data": ["cache", "storage"]}),
    );
    assert_eq!(
        (other.name(), other.lazy(), other.store_timeout()),
        ("other", false, Duration::from_millis(250))
    );
    assert!(!other.cache_headers());
    assert_eq!(other.clear_site_data(), Some("\"cache\", \"storage\""));
}

#[test]
fn every_option_that_is_no_function_can_be_read() {
    let all = settings(json!({
        "secret": SECRET, "allow_weak_secret": false, "name": "sid", "allow_rejected_cookie": false,
        "resave": true, "save_uninitialized": true, "rolling": true, "unset": "destroy", "proxy": true,
        "trust_proxy": ["127.0.0.1", "::1"], "touch_after_ms": 1, "absolute_timeout_ms": 2,
        "first_life_ms": 3, "successor_grace_ms": 4, "reissue": true, "store_outage": "without_session",
        "store_timeout_ms": 5, "lazy": true, "on_conflict": "fail", "save_without_cookie": true,
        "cache_headers": true, "clear_site_data": ["cookies"], "owner_key": "user.id",
        "owner_limit": {"end_oldest": 6},
        "cookie": {"max_age_ms": 7, "path": "/a", "domain": "example.com", "http_only": true, "secure": true,
            "same_site": "strict", "partitioned": true, "priority": "high"},
    }));
    assert_eq!((all.unset, all.store_outage), (Some(Unset::Destroy), Some(StoreOutage::WithoutSession)));
    assert_eq!(all.first_life, Some(Duration::from_millis(3)));
    assert!(matches!(all.owner_limit, Some(OwnerLimit::EndOldest(six)) if six.get() == 6));
    assert_eq!(all.cookie.max_age, Some(Duration::from_millis(7)));
    let unused = format!("{all:?}");
    assert!(!unused.contains("None"), "a setting that this test does not know: {unused}");
    Options::new([SECRET]).settings(&all).build().unwrap();
}

#[test]
fn a_cookie_attribute_is_put_over_the_codes_and_the_others_stay() {
    let code = || Options::express([SECRET]).cookie(CookieOptions::new().path("/app"));
    let none = json!({"cookie": {"same_site": "none", "secure": "false"}});
    let error = code().settings(&settings(none)).build().unwrap_err();
    assert!(format!("{error:?}").contains("SameSiteNone"), "{error:?}");
    let prefix = json!({"name": "__Host-sid", "cookie": {"secure": "true"}});
    let error = code().settings(&settings(prefix.clone())).build().unwrap_err();
    assert!(format!("{error:?}").contains("RootPath"), "the path of the code still holds: {error:?}");
    let mut rooted = prefix;
    rooted["cookie"]["path"] = json!("/");
    built(code(), rooted);
}

#[test]
fn a_misspelt_key_and_a_wrong_value_are_named_with_what_there_is() {
    let line = complaint(json!({"re_save": true}));
    assert!(line.contains("unknown field `re_save`") && line.contains("`resave`"), "{line}");
    let line = complaint(json!({"cookie": {"maxAge": 1}}));
    assert!(line.contains("`maxAge`") && line.contains("`max_age_ms`"), "{line}");
    let line = complaint(json!({"unset": "forget"}));
    assert!(line.contains("`forget`") && line.contains("`keep` or `destroy`"), "{line}");
    let line = complaint(json!({"cookie": {"secure": "perhaps"}}));
    assert!(line.contains("`perhaps`") && line.contains("`auto`"), "{line}");
    let line = complaint(json!({"cookie": {"secure": 1}}));
    assert!(line.contains("expected true, false or \"auto\""), "{line}");
    let line = complaint(json!({"owner_limit": {"end_oldest": 0}}));
    assert!(line.contains("nonzero"), "{line}");
    let line = complaint(json!({"first_life_ms": -1}));
    assert!(line.contains("-1"), "{line}");
}

#[test]
fn secrets_are_a_text_or_a_list_and_are_not_shown() {
    let secrets = |value: Value| settings(json!({"secret": value})).secret.unwrap().as_slice().to_vec();
    assert_eq!(secrets(json!("one, [with] marks")), ["one, [with] marks"]);
    assert_eq!(secrets(json!(["new", "old"])), ["new", "old"]);
    let shown = format!("{:?}", settings(json!({"secret": ["hush", "quiet"]})));
    assert!(shown.contains("2 secrets") && !shown.contains("hush"), "{shown}");
    let line = complaint(json!({"secret": 5}));
    assert!(line.contains("a secret or a list of secrets"), "{line}");
}
