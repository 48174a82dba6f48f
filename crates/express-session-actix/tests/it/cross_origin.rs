//! Requests that other sites make a browser send are refused.

use actix_web::body::MessageBody;
use actix_web::dev::{Service, ServiceResponse};
use actix_web::http::Method;
use actix_web::test::{TestRequest, init_service};
use actix_web::{App, Error, HttpResponse, web};
use express_session_actix::{CrossOriginProtection, InvalidOriginError};

type Headers<'a> = &'a [(&'a str, &'a str)];

async fn service(
    protection: CrossOriginProtection,
) -> impl Service<actix_http::Request, Response = ServiceResponse<impl MessageBody>, Error = Error> {
    init_service(App::new().wrap(protection).default_service(web::to(HttpResponse::Ok))).await
}

/// The status that a request of this method with these headers gets from `shop.example`.
async fn status(protection: &CrossOriginProtection, method: Method, path: &str, headers: Headers<'_>) -> u16 {
    let service = service(protection.clone()).await;
    let mut request = TestRequest::with_uri(path).method(method).insert_header(("host", "shop.example"));
    for header in headers {
        request = request.append_header(*header);
    }
    match service.call(request.to_request()).await {
        Ok(response) => response.status().as_u16(),
        Err(error) => error.as_response_error().status_code().as_u16(),
    }
}

#[actix_rt::test]
async fn unsafe_requests_pass_from_our_own_pages_and_from_what_is_no_browser() {
    let protection = CrossOriginProtection::new();
    for (headers, expected) in [
        (&[][..], 200),
        (&[("sec-fetch-site", "same-origin")], 200),
        (&[("sec-fetch-site", "none")], 200),
        (&[("sec-fetch-site", "cross-site")], 403),
        (&[("sec-fetch-site", "same-site")], 403),
        (&[("sec-fetch-site", "future-value")], 403),
        // What the browser says of the site counts more than hosts that look alike.
        (&[("sec-fetch-site", "cross-site"), ("origin", "https://shop.example")], 403),
        (&[("sec-fetch-site", "same-origin"), ("origin", "https://evil.example")], 200),
        (&[("origin", "https://shop.example")], 200),
        (&[("origin", "http://SHOP.example")], 200),
        (&[("origin", "https://evil.example")], 403),
        (&[("origin", "https://shop.example:8443")], 403),
        (&[("origin", "https://shop.example.evil.example")], 403),
        (&[("origin", "null")], 403),
        (&[("origin", "")], 403),
        (&[("origin", "https://evil.example"), ("x-forwarded-host", "evil.example")], 403),
    ] {
        for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE] {
            assert_eq!(
                status(&protection, method.clone(), "/", headers).await,
                expected,
                "{method} {headers:?}"
            );
        }
        for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
            assert_eq!(status(&protection, method.clone(), "/", headers).await, 200, "{method} {headers:?}");
        }
    }
}

#[actix_rt::test]
async fn a_guarded_path_is_guarded_for_every_method() {
    let protection = CrossOriginProtection::new().guard("/logout");
    let cross_site = &[("sec-fetch-site", "cross-site")];
    for method in [Method::GET, Method::HEAD, Method::POST] {
        assert_eq!(status(&protection, method.clone(), "/logout", cross_site).await, 403, "{method}");
        assert_eq!(status(&protection, method, "/logout?x=1", cross_site).await, 403);
    }
    assert_eq!(status(&protection, Method::GET, "/logout", &[("sec-fetch-site", "same-origin")]).await, 200);
    assert_eq!(status(&protection, Method::GET, "/logout", &[]).await, 200);
    assert_eq!(status(&protection, Method::GET, "/logouts", cross_site).await, 200);
}

#[actix_rt::test]
async fn a_trusted_origin_may_send_anything() {
    let protection = CrossOriginProtection::new().trust("https://login.example").unwrap();
    let post = async |headers| status(&protection, Method::POST, "/", headers).await;
    assert_eq!(post(&[("sec-fetch-site", "cross-site"), ("origin", "https://login.example")]).await, 200);
    assert_eq!(post(&[("origin", "https://login.example")]).await, 200);
    assert_eq!(post(&[("origin", "http://login.example")]).await, 403, "another scheme");
    assert_eq!(post(&[("sec-fetch-site", "cross-site")]).await, 403);
}

#[test]
fn what_no_browser_sends_as_an_origin_cannot_be_trusted() {
    for origin in [
        "login.example",
        "https://login.example/",
        "https://login.example/path",
        "https://",
        "null",
        "",
        "https://a@b.example",
    ] {
        assert_eq!(CrossOriginProtection::new().trust(origin).err(), Some(InvalidOriginError), "{origin}");
    }
    assert!(CrossOriginProtection::new().trust("http://localhost:3000").is_ok());
}
