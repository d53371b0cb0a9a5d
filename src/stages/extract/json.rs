//! One JSON object -> one cell per declared column. Numbers keep their digits: none passes through floating point.

use std::borrow::Cow;

use super::layout::{PlacedCell, RowFault};
use super::quarantine::TokenRoom;
use crate::stages::clean::column::ColumnPlan;
use crate::stages::clean::value::Cell;

/// Deeper objects are refused: no bank nests like this, an attacker does.
const MAX_DEPTH: usize = 64;

/// Fills the emptied `cells`.
///
/// # Errors
/// When the text is not one JSON object, or a declared member is an object or array where a value is expected.
pub fn cells<'c>(
    content: &'c str,
    columns: &[ColumnPlan<'_>],
    cells: &mut Vec<PlacedCell<'c>>,
) -> Result<(), RowFault> {
    cells.clear();
    cells.resize(
        columns.len(),
        PlacedCell {
            cell: Cell::Null,
            place: None,
            room: TokenRoom::None,
        },
    );
    let mut scanner = Scanner {
        text: content,
        at: 0,
    };
    let result = scanner.object("", 1, &mut |path, value| {
        for (slot, column) in cells.iter_mut().zip(columns) {
            if column.spec.from == path {
                *slot = value.clone();
            }
        }
    });
    scanner.blanks();
    if let Err(error) = result {
        return Err(RowFault {
            incomplete: error == JsonFault::Ended,
            ..RowFault::of_row("json", error.to_string())
        });
    }
    if scanner.at < content.len() {
        return Err(RowFault::of_row("json", "text follows the object"));
    }
    Ok(())
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
enum JsonFault {
    #[error("the object ends too early")]
    Ended,
    #[error("not a JSON object")]
    Syntax,
    #[error("nested more than 64 deep")]
    TooDeep,
}

/// Values keep their spelling and place; strings are unescaped only where a column wants them.
struct Scanner<'c> {
    text: &'c str,
    at: usize,
}

type Member<'m, 'c> = dyn FnMut(&str, &PlacedCell<'c>) + 'm;

impl<'c> Scanner<'c> {
    fn object(
        &mut self,
        prefix: &str,
        depth: usize,
        member: &mut Member<'_, 'c>,
    ) -> Result<(), JsonFault> {
        self.blanks();
        self.expect(b'{')?;
        self.blanks();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            let (name, _) = self.string()?;
            let path = if prefix.is_empty() {
                name.into_owned()
            } else {
                format!("{prefix}.{name}")
            };
            self.blanks();
            self.expect(b':')?;
            self.blanks();
            self.value(&path, depth, member)?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(JsonFault::Syntax),
                None => return Err(JsonFault::Ended),
            }
        }
    }

    fn value(
        &mut self,
        path: &str,
        depth: usize,
        member: &mut Member<'_, 'c>,
    ) -> Result<(), JsonFault> {
        let start = self.at;
        let (cell, place, room) = match self.peek().ok_or(JsonFault::Ended)? {
            b'{' => {
                if depth >= MAX_DEPTH {
                    return Err(JsonFault::TooDeep);
                }
                self.object(path, depth + 1, member)?;
                let text = Cow::Borrowed(&self.text[start..self.at]);
                (Cell::Text(text), (start, self.at), TokenRoom::InQuotes)
            }
            b'[' => {
                self.array(depth)?;
                let text = Cow::Borrowed(&self.text[start..self.at]);
                (Cell::Text(text), (start, self.at), TokenRoom::InQuotes)
            }
            b'"' => {
                let (text, place) = self.string()?;
                (Cell::Text(text), place, TokenRoom::Bare)
            }
            b't' => (
                self.word("true", Cell::Boolean(true))?,
                (start, self.at),
                TokenRoom::None,
            ),
            b'f' => (
                self.word("false", Cell::Boolean(false))?,
                (start, self.at),
                TokenRoom::None,
            ),
            b'n' => (
                self.word("null", Cell::Null)?,
                (start, self.at),
                TokenRoom::None,
            ),
            b'-' | b'0'..=b'9' => {
                let number = self.number()?;
                (
                    Cell::Number(Cow::Borrowed(number)),
                    (start, self.at),
                    TokenRoom::InQuotes,
                )
            }
            _ => return Err(JsonFault::Syntax),
        };
        let cell = PlacedCell {
            cell,
            place: Some(place),
            room,
        };
        member(path, &cell);
        Ok(())
    }

    fn array(&mut self, depth: usize) -> Result<(), JsonFault> {
        if depth >= MAX_DEPTH {
            return Err(JsonFault::TooDeep);
        }
        self.expect(b'[')?;
        self.blanks();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.blanks();
            self.value("", depth + 1, &mut |_, _| {})?;
            self.blanks();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b']') => {
                    self.at += 1;
                    return Ok(());
                }
                Some(_) => return Err(JsonFault::Syntax),
                None => return Err(JsonFault::Ended),
            }
        }
    }

    /// The unescaped text and the place between the quotes.
    fn string(&mut self) -> Result<(Cow<'c, str>, (usize, usize)), JsonFault> {
        let open = self.at;
        self.expect(b'"')?;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek().ok_or(JsonFault::Ended)? {
                b'"' => break,
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                0..=0x1F => return Err(JsonFault::Syntax),
                _ => self.at += 1,
            }
        }
        let place = (start, self.at);
        self.at += 1;
        let text = if escaped {
            let quoted = self.text.get(open..self.at).ok_or(JsonFault::Syntax)?;
            Cow::Owned(serde_json::from_str(quoted).map_err(|_| JsonFault::Syntax)?)
        } else {
            Cow::Borrowed(&self.text[place.0..place.1])
        };
        Ok((text, place))
    }

    fn number(&mut self) -> Result<&'c str, JsonFault> {
        let start = self.at;
        while self
            .peek()
            .is_some_and(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte))
        {
            self.at += 1;
        }
        let number = &self.text[start..self.at];
        serde_json::from_str::<serde::de::IgnoredAny>(number).map_err(|_| {
            if self.at == self.text.len() {
                JsonFault::Ended
            } else {
                JsonFault::Syntax
            }
        })?;
        Ok(number)
    }

    fn word(&mut self, word: &str, cell: Cell<'c>) -> Result<Cell<'c>, JsonFault> {
        let rest = &self.text[self.at..];
        if rest.starts_with(word) {
            self.at += word.len();
            Ok(cell)
        } else if word.starts_with(rest) {
            Err(JsonFault::Ended)
        } else {
            Err(JsonFault::Syntax)
        }
    }

    fn expect(&mut self, byte: u8) -> Result<(), JsonFault> {
        match self.peek() {
            Some(found) if found == byte => {
                self.at += 1;
                Ok(())
            }
            Some(_) => Err(JsonFault::Syntax),
            None => Err(JsonFault::Ended),
        }
    }

    fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\r' | b'\n')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }
}
