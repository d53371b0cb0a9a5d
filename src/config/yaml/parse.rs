//! Parser events -> tree, with limits against files made to exhaust memory.

use std::collections::BTreeMap;
use std::ops::Range;

use serde_yaml::granit_parser::{self, Event, Parser, ScalarStyle, Span};

use super::{Content, Entry, Node, Style};
use crate::diagnostic::{Diagnostic, Diagnostics, SourceText};

/// The deepest configuration nests 8 levels.
const MAX_DEPTH: usize = 32;
/// A source with 5,000 columns of 10 keys each stays below; an alias bomb does not.
const MAX_NODES: usize = 400_000;

/// The file's one document. Duplicate keys are reported and dropped; on a broken file or an
/// exceeded limit there is no tree.
pub fn parse(source: &SourceText, problems: &mut Diagnostics) -> Option<Node> {
    let options = granit_parser::options! { emit_comments: false };
    let mut builder = Builder {
        source,
        problems,
        open: Vec::new(),
        anchors: BTreeMap::new(),
        nodes: 0,
        root: None,
        documents: 0,
    };
    for event in Parser::new_from_str_with_options(source.text(), options) {
        let step = match event {
            Ok((event, span)) => builder.take(event, span),
            Err(error) => {
                let offset = error.marker().byte_offset().unwrap_or_else(|| {
                    crate::diagnostic::offset_of(
                        source.text(),
                        error.marker().line(),
                        error.marker().col() + 1,
                    )
                });
                Err(source.error(offset..offset, format!("not valid YAML: {}", error.info())))
            }
        };
        if let Err(problem) = step {
            builder.problems.push(problem);
            return None;
        }
    }
    let root = builder.root.take();
    if root.is_none() {
        problems.push(source.error_in_file("the file is empty"));
    }
    root
}

struct Builder<'a> {
    source: &'a SourceText,
    problems: &'a mut Diagnostics,
    open: Vec<Open>,
    anchors: BTreeMap<usize, Node>,
    nodes: usize,
    root: Option<Node>,
    documents: usize,
}

/// A collection whose end has not been seen.
struct Open {
    start: usize,
    anchor: usize,
    content: OpenContent,
}

enum OpenContent {
    Sequence(Vec<Node>),
    Mapping {
        entries: Vec<Entry>,
        seen: BTreeMap<String, Range<usize>>,
        key: Option<(String, Range<usize>)>,
    },
}

impl Builder<'_> {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Diagnostic> {
        let range = span.byte_range().unwrap_or_default();
        match event {
            Event::DocumentStart(..) => {
                self.documents += 1;
                if self.documents > 1 {
                    return Err(self
                        .source
                        .error(range, "a second document starts here")
                        .hint("one file holds one document; remove the `---`"));
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                let node = Node {
                    range: trimmed(self.source.text(), range),
                    content: Content::Scalar {
                        text: text.into_owned(),
                        style: style_of(style),
                    },
                };
                self.close(node, anchor)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                self.open(range, anchor, OpenContent::Sequence(Vec::new()))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.refuse_tag(tag.is_some(), &range)?;
                let content = OpenContent::Mapping {
                    entries: Vec::new(),
                    seen: BTreeMap::new(),
                    key: None,
                };
                self.open(range, anchor, content)
            }
            Event::SequenceEnd | Event::MappingEnd => {
                let Some(open) = self.open.pop() else {
                    return Ok(());
                };
                let content = match open.content {
                    OpenContent::Sequence(items) => Content::Sequence(items),
                    OpenContent::Mapping { entries, .. } => Content::Mapping(entries),
                };
                let node = Node {
                    range: open.start..range.end.max(open.start),
                    content,
                };
                self.close(node, open.anchor)
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(self.source.error(range, "the alias refers to itself"));
                };
                self.nodes += count(&node);
                self.close(node, 0)
            }
            _ => Ok(()),
        }
    }

    fn refuse_tag(&self, tagged: bool, range: &Range<usize>) -> Result<(), Diagnostic> {
        if tagged {
            return Err(self
                .source
                .error(range.clone(), "YAML tags are not used here")
                .hint("remove the `!…` before the value"));
        }
        Ok(())
    }

    fn open(
        &mut self,
        range: Range<usize>,
        anchor: usize,
        content: OpenContent,
    ) -> Result<(), Diagnostic> {
        if self.open.len() >= MAX_DEPTH {
            return Err(self
                .source
                .error(range, format!("nested deeper than {MAX_DEPTH} levels")));
        }
        self.open.push(Open {
            start: range.start,
            anchor,
            content,
        });
        Ok(())
    }

    /// Hands a finished node to what is open around it.
    fn close(&mut self, node: Node, anchor: usize) -> Result<(), Diagnostic> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(self.source.error(
                node.range,
                format!("the file has more than {MAX_NODES} values, aliases counted in full"),
            ));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, node.clone());
        }
        let source = self.source;
        match self.open.last_mut().map(|open| &mut open.content) {
            None => self.root = Some(node),
            Some(OpenContent::Sequence(items)) => items.push(node),
            Some(OpenContent::Mapping { entries, seen, key }) => match key.take() {
                None => match node.content {
                    Content::Scalar { text, .. } => *key = Some((text, node.range)),
                    _ => {
                        return Err(source
                            .error(node.range, "a key must be a plain word")
                            .hint("put text that starts with `{` or `[` in quotes"));
                    }
                },
                Some((key, key_range)) => {
                    if let Some(first) = seen.get(&key) {
                        let first = source.error(first.clone(), "").line;
                        self.problems.push(
                            source
                                .error(key_range, format!("the key `{key}` stands here twice"))
                                .hint(format!("it is first given on line {first}")),
                        );
                    } else {
                        seen.insert(key.clone(), key_range.clone());
                        entries.push(Entry {
                            key,
                            key_range,
                            value: node,
                        });
                    }
                }
            },
        }
        Ok(())
    }
}

fn count(node: &Node) -> usize {
    match &node.content {
        Content::Scalar { .. } => 1,
        Content::Sequence(items) => 1 + items.iter().map(count).sum::<usize>(),
        Content::Mapping(entries) => {
            1 + entries
                .iter()
                .map(|entry| count(&entry.value))
                .sum::<usize>()
        }
    }
}

/// Spans of scalars can reach over the line break behind them.
fn trimmed(text: &str, range: Range<usize>) -> Range<usize> {
    let length = text
        .get(range.clone())
        .map_or(0, |part| part.trim_end().len());
    range.start..range.start + length
}

const fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        ScalarStyle::SingleQuoted => Style::SingleQuoted,
        ScalarStyle::DoubleQuoted => Style::DoubleQuoted,
        ScalarStyle::Literal => Style::Literal,
        ScalarStyle::Folded => Style::Folded,
    }
}
