//! A history as a picture: a column for each request, one for the store, and time downwards.

use std::fmt::Write as _;

use crate::executor::Actor;
use crate::history::{Line, What};
use crate::plan::Plan;
use crate::told::said;

const ROW: usize = 18;
const TIME: usize = 80;
const LANE: usize = 230;
const STORE: usize = 420;
const TOP: usize = 74;

/// An SVG document.
pub(crate) fn svg(plan: &Plan, lines: &[Line]) -> String {
    let actors: Vec<Actor> = plan.requests.iter().map(|request| request.number).collect();
    let x =
        |actor: Actor| actors.iter().position(|it| *it == actor).map(|lane| TIME + lane * LANE + LANE / 2);
    let store = TIME + actors.len() * LANE + 40;
    let (width, height) = (store + STORE, TOP + (lines.len() + 2) * ROW);
    let mut svg = String::new();
    // Writing to a String does not fail.
    let _ = writeln!(
        svg,
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="11">
<style>text {{ fill: #24292f }} .time {{ fill: #8c959f; text-anchor: end }} .head {{ font-weight: bold; text-anchor: middle }} .said {{ text-anchor: middle }} .store {{ fill: #0550ae }} .happened {{ fill: #9a6700 }} .broken {{ fill: #fff; font-weight: bold }}</style>
<defs><marker id="to" markerWidth="7" markerHeight="6" refX="6" refY="3" orient="auto"><path d="M0,0 L7,3 L0,6 z" fill="#57606a"/></marker></defs>
<rect width="{width}" height="{height}" fill="#fff"/>
<text x="8" y="18" font-size="13">seed {}</text>"##,
        plan.seed
    );
    for request in &plan.requests {
        let Some(x) = x(request.number) else { continue };
        let server = plan.servers[request.server];
        let kind = if server.is_node() { "Node" } else { "Rust" };
        let _ = writeln!(
            svg,
            r##"<text class="head" x="{x}" y="40">request {}</text><text class="said" x="{x}" y="56">browser {}, server {} ({kind})</text><line x1="{x}" y1="62" x2="{x}" y2="{height}" stroke="#d0d7de"/>"##,
            request.number, request.browser, request.server
        );
    }
    let _ = writeln!(
        svg,
        r##"<text class="head" x="{store}" y="40">store</text><line x1="{store}" y1="62" x2="{store}" y2="{height}" stroke="#0550ae" stroke-width="2"/>"##
    );
    let mut shown_at = None;
    for (row, line) in lines.iter().enumerate() {
        let y = TOP + row * ROW + ROW;
        if shown_at != Some(line.at) {
            shown_at = Some(line.at);
            let _ = writeln!(
                svg,
                r#"<text class="time" x="{}" y="{y}">{}.{:03} ms</text>"#,
                TIME - 8,
                line.at / 1000,
                line.at % 1000
            );
        }
        let text = escape(said(&line.what).trim());
        let _ = match (&line.what, x(line.actor)) {
            (What::Sent { .. }, Some(x)) => {
                let label = escape(said(&line.what).trim().trim_start_matches("-> "));
                writeln!(
                    svg,
                    r##"<line x1="{x}" y1="{}" x2="{}" y2="{}" stroke="#57606a" marker-end="url(#to)"/><text x="{}" y="{}">{label}</text>"##,
                    y - 3,
                    store - 4,
                    y - 3,
                    x + 6,
                    y - 5
                )
            }
            (What::Answered { .. }, Some(x)) => {
                let label = escape(said(&line.what).trim().trim_start_matches("<- "));
                writeln!(
                    svg,
                    r##"<line x1="{store}" y1="{}" x2="{}" y2="{}" stroke="#57606a" stroke-dasharray="4 3" marker-end="url(#to)"/><text x="{}" y="{}">{label}</text>"##,
                    y - 3,
                    x + 4,
                    y - 3,
                    x + 6,
                    y - 5
                )
            }
            (What::Committed { .. }, _) => {
                let label = text.trim_start_matches("== ").to_owned();
                writeln!(
                    svg,
                    r##"<circle cx="{store}" cy="{}" r="4" fill="#0550ae"/><text class="store" x="{}" y="{y}">{label}</text>"##,
                    y - 4,
                    store + 10
                )
            }
            (What::Broken(_), _) => {
                writeln!(
                    svg,
                    r##"<rect x="0" y="{}" width="{width}" height="{ROW}" fill="#cf222e"/><text class="broken" x="12" y="{y}">{text}</text>"##,
                    y - 13
                )
            }
            (What::Happened(_), _) => {
                writeln!(svg, r#"<text class="happened" x="{TIME}" y="{y}">{text}</text>"#)
            }
            (_, Some(x)) => writeln!(
                svg,
                r##"<rect x="{}" y="{}" width="{}" height="{}" fill="#fff" opacity="0.85"/><text class="said" x="{x}" y="{y}">{text}</text>"##,
                x - LANE / 2 + 2,
                y - 11,
                LANE - 4,
                14
            ),
            (_, None) => Ok(()),
        };
    }
    svg.push_str("</svg>\n");
    svg
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
