//! The few pieces of HTML that the page is made of; every text goes through `escape`.

use std::fmt::Write;

/// Text as it may stand between tags and in quoted attributes.
#[must_use]
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            // Control characters are no part of a page.
            control if control.is_control() && control != '\n' => escaped.push('\u{fffd}'),
            other => escaped.push(other),
        }
    }
    escaped
}

#[must_use]
pub fn paragraph(text: &str) -> String {
    format!("<p>{}</p>\n", escape(text))
}

/// A remark on what is assumed, rounded or left out.
#[must_use]
pub fn note(text: &str) -> String {
    format!("<p class=\"note\">{}</p>\n", escape(text))
}

/// What a section says in place of figures it does not have.
#[must_use]
pub fn absent(text: &str) -> String {
    format!("<p class=\"absent\">{}</p>\n", escape(text))
}

#[must_use]
pub fn section(id: &str, title: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\" aria-labelledby=\"{id}-title\">\n<h2 id=\"{id}-title\">{}</h2>\n{body}</section>\n",
        escape(title)
    )
}

#[must_use]
pub fn heading(title: &str) -> String {
    format!("<h3>{}</h3>\n", escape(title))
}

/// A long part that opens where a reader wants it, and stands open on paper.
#[must_use]
pub fn folded(title: &str, body: &str) -> String {
    format!(
        "<details>\n<summary><h3>{}</h3></summary>\n{body}</details>\n",
        escape(title)
    )
}

/// A chart with what it shows in words, beside the table with its numbers.
#[must_use]
pub fn figure(svg: &str, caption: &str, table: &str) -> String {
    format!(
        "<div class=\"pair\">\n<figure>\n{svg}<figcaption>{}</figcaption>\n</figure>\n{table}</div>\n",
        escape(caption)
    )
}

/// A chart above a table that is too wide to stand beside it.
#[must_use]
pub fn figure_above(svg: &str, caption: &str, table: &str) -> String {
    format!(
        "<figure>\n{svg}<figcaption>{}</figcaption>\n</figure>\n{table}",
        escape(caption)
    )
}

/// A word with a colour; the word alone says it all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Badge {
    Good,
    Warning,
    Bad,
    Neutral,
}

impl Badge {
    const fn class(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Warning => "warning",
            Self::Bad => "bad",
            Self::Neutral => "neutral",
        }
    }
}

#[must_use]
pub fn badge(kind: Badge, text: &str) -> String {
    format!(
        "<span class=\"badge {}\">{}</span>",
        kind.class(),
        escape(text)
    )
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    Text,
    /// Whole sentences, which need room even on a phone.
    Prose,
    Number,
}

/// One cell: a text, or a badge made by `badge`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TableCell {
    Text(String),
    Badge(Badge, String),
    /// A hash or a path, which may break anywhere.
    Code(String),
}

impl From<String> for TableCell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&str> for TableCell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

/// A table in a box of its own that scrolls where the page is narrow.
#[derive(Debug, Clone)]
pub struct Table {
    caption: String,
    columns: Vec<(String, Align)>,
    rows: Vec<(RowKind, Vec<TableCell>)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    Plain,
    /// Adds up rows around it.
    Total,
}

impl Table {
    #[must_use]
    pub fn new(caption: &str, columns: &[(&str, Align)]) -> Self {
        let columns = columns.iter();
        Self {
            caption: caption.to_owned(),
            columns: columns
                .map(|(name, align)| ((*name).to_owned(), *align))
                .collect(),
            rows: Vec::new(),
        }
    }

    pub fn row<C: Into<TableCell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.add(RowKind::Plain, cells);
    }

    pub fn total<C: Into<TableCell>>(&mut self, cells: impl IntoIterator<Item = C>) {
        self.add(RowKind::Total, cells);
    }

    pub fn add<C: Into<TableCell>>(&mut self, kind: RowKind, cells: impl IntoIterator<Item = C>) {
        self.rows
            .push((kind, cells.into_iter().map(Into::into).collect()));
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The table, or one sentence when it has no rows.
    #[must_use]
    pub fn to_html(&self) -> String {
        if self.rows.is_empty() {
            return absent(&format!("{}: none.", self.caption));
        }
        let caption = escape(&self.caption);
        let mut html = format!(
            "<div class=\"scroll\" role=\"region\" aria-label=\"{caption}\" tabindex=\"0\">\n<table>\n\
             <caption><span>{caption}</span></caption>\n<thead><tr>"
        );
        for (name, align) in &self.columns {
            let _ = write!(
                html,
                "<th scope=\"col\"{}>{}</th>",
                class(*align),
                escape(name)
            );
        }
        html.push_str("</tr></thead>\n<tbody>\n");
        for (kind, cells) in &self.rows {
            html.push_str(match kind {
                RowKind::Plain => "<tr>",
                RowKind::Total => "<tr class=\"total\">",
            });
            for (index, cell) in cells.iter().enumerate() {
                let align = self
                    .columns
                    .get(index)
                    .map_or(Align::Text, |column| column.1);
                let content = cell.to_html();
                if index == 0 {
                    let _ = write!(html, "<th scope=\"row\"{}>{content}</th>", class(align));
                } else {
                    let _ = write!(html, "<td{}>{content}</td>", class(align));
                }
            }
            html.push_str("</tr>\n");
        }
        html.push_str("</tbody>\n</table>\n</div>\n");
        html
    }
}

impl TableCell {
    fn to_html(&self) -> String {
        match self {
            Self::Text(text) => escape(text),
            Self::Badge(kind, text) => badge(*kind, text),
            Self::Code(text) => format!("<code>{}</code>", escape(text)),
        }
    }
}

const fn class(align: Align) -> &'static str {
    match align {
        Align::Text => "",
        Align::Prose => " class=\"prose\"",
        Align::Number => " class=\"number\"",
    }
}
