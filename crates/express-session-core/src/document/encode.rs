//! A document with changes on top, as the next document.

use super::changes::{Change, Changes};
use super::document_text::{COOKIE_KEY, Document, Inner};
use super::index::{Member, Members, Span};
use crate::cookie::Cookie;
use crate::js::json;
use crate::scratch::with_scratch;

/// One member of the next document.
pub(super) enum Piece<'a> {
    Cookie,
    Data {
        /// As it is written, without quotes.
        key: &'a str,
        value: &'a str,
    },
}

/// Goes through the members of the next document in order.
///
/// What is there stays in its place. New keys follow in the order in which they came; integer-like ones go where
/// JavaScript puts them: in front, ascending.
pub(super) fn pieces<'a>(document: &'a Document, changes: &'a Changes, mut visit: impl FnMut(Piece<'a>)) {
    let mut new: Vec<(&str, &str)> = Vec::new();
    let mut new_indices: Vec<(u32, &str, &str)> = Vec::new();
    for (key, value) in changes.iter() {
        let Change::Set(value) = value else { continue };
        if document.get_by_raw_key(key).is_some() {
            continue;
        }
        match json::integer_like(key) {
            Some(index) => new_indices.push((index, key, value)),
            None => new.push((key, value)),
        }
    }
    new_indices.sort_unstable_by_key(|(index, ..)| *index);
    let mut new_indices = new_indices.into_iter().peekable();
    for (place, (key, value)) in document.raw_entries().enumerate() {
        let here = json::integer_like(key);
        while let Some((_, key, value)) =
            new_indices.next_if(|(index, ..)| here.is_none_or(|here| *index < here))
        {
            visit(Piece::Data { key, value });
        }
        if place == document.inner.before_cookie {
            visit(Piece::Cookie);
        }
        match changes.get_raw(key) {
            None => visit(Piece::Data { key, value }),
            Some(Change::Set(value)) => visit(Piece::Data { key, value }),
            Some(Change::Removed) => {}
        }
    }
    for (_, key, value) in new_indices {
        visit(Piece::Data { key, value });
    }
    if document.inner.before_cookie >= document.len() {
        visit(Piece::Cookie);
    }
    for (key, value) in new {
        visit(Piece::Data { key, value });
    }
}

/// Where things stand in a text that has just been written.
struct Written {
    members: Members,
    before_cookie: usize,
    cookie_text: Span,
}

impl Document {
    /// This document with other changes and another cookie, as Node would write it if everything in it were Node's.
    pub(super) fn with(&self, changes: &Changes, cookie: &Cookie) -> Self {
        with_scratch(|text| {
            let Written { members, before_cookie, cookie_text } = self.write(changes, cookie, text);
            Self::of(Inner {
                text: (&**text).into(),
                members,
                before_cookie,
                cookie: cookie.clone(),
                cookie_text,
                cookie_is_as_written: true,
            })
        })
    }

    /// This document with another cookie; the data keep their texts.
    #[must_use]
    pub fn with_cookie(&self, cookie: &Cookie) -> Self {
        self.with(&Changes::default(), cookie)
    }

    /// Writes the text of [`with_cookie`](Self::with_cookie) alone, into a buffer of this thread, and lends it: for stores that
    /// keep a copy of their own.
    pub fn write_with_cookie<R>(&self, cookie: &Cookie, keep: impl FnOnce(&str) -> R) -> R {
        with_scratch(|text| {
            self.write(&Changes::default(), cookie, text);
            keep(text)
        })
    }

    fn write(&self, changes: &Changes, cookie: &Cookie, text: &mut String) -> Written {
        let mut members = Members::with_capacity(self.inner.members.len() + changes.len());
        let (mut before_cookie, mut cookie_text) = (0, Span::default());
        // A document of 4 GiB or more has no index; it is refused when it is read, and by every store.
        let span = |start, end| Span::new(start, end).unwrap_or_default();
        pieces(self, changes, |piece| {
            text.push(if text.is_empty() { '{' } else { ',' });
            let (key, key_start) = match piece {
                Piece::Cookie => (COOKIE_KEY, text.len() + 1),
                Piece::Data { key, .. } => (key, text.len() + 1),
            };
            text.push('"');
            text.push_str(key);
            let key = span(key_start, text.len());
            text.push_str("\":");
            let start = text.len();
            match piece {
                Piece::Cookie => {
                    if self.inner.cookie_is_as_written && *cookie == self.inner.cookie {
                        text.push_str(self.inner.cookie_text.of(self.text()));
                    } else {
                        cookie.write(text);
                    }
                    before_cookie = members.len();
                    cookie_text = span(start, text.len());
                }
                Piece::Data { value, .. } => {
                    text.push_str(value);
                    members.push(Member { key, value: span(start, text.len()) });
                }
            }
        });
        text.push('}');
        Written { members, before_cookie, cookie_text }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_that_is_lent_is_that_of_the_document_with_the_cookie() {
        let text =
            r#"{"9":1,"cookie":{"originalMaxAge":null,"expires":null,"httpOnly":true,"path":"/x"},"n":1.50}"#;
        let document = Document::parse(text).unwrap().unwrap();
        let cookie = Cookie::default();
        // A use within a use has a buffer of its own.
        document.write_with_cookie(&cookie, |outer| {
            document.write_with_cookie(document.cookie(), |inner| assert_eq!(inner, text));
            assert_eq!(outer, document.with_cookie(&cookie).text());
        });
    }
}
