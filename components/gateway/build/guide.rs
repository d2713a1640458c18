//! The guide to the API (`docs/api.md`) as a page.

use std::collections::BTreeSet;

use anyhow::{Result, bail, ensure};
use pulldown_cmark::{
    CodeBlockKind, CowStr, Event, HeadingLevel, LinkType, Options, Parser, Tag, TagEnd, html,
};

/// Where the frame wants the list of sections.
const CONTENTS: &str = "<!-- contents -->";

/// Where the frame wants the text.
const TEXT: &str = "<!-- text -->";

/// Where the guide says that the shop of its reader shows this page.
const THIS_SHOP: &str = "http://127.0.0.1:3000";

/// The guide in its frame.
///
/// # Errors
/// A link that leads nowhere in a running shop, or two headings of the same name.
pub fn page(markdown: &str, frame: &str) -> Result<String> {
    ensure!(
        frame.contains(CONTENTS) && frame.contains(TEXT),
        "the frame has no place for the guide"
    );
    let mut guide = Guide::default();
    let mut events = Vec::new();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        guide.take(event, &mut events)?;
    }
    let mut text = String::new();
    html::push_html(&mut text, events.into_iter());
    Ok(frame
        .replace(CONTENTS, &guide.contents)
        .replace(TEXT, &text))
}

#[derive(Default)]
struct Guide {
    /// The list of sections.
    contents: String,
    /// The names that headings have.
    anchors: BTreeSet<String>,
    /// The heading that is being read: its level, its text, and its parts.
    heading: Option<(HeadingLevel, String, Vec<Event<'static>>)>,
    /// Links that are left out, by what stands in their place.
    unlinked: Vec<Option<String>>,
}

impl Guide {
    fn take(&mut self, event: Event<'_>, events: &mut Vec<Event<'static>>) -> Result<()> {
        let event = event.into_static();
        match event {
            Event::Start(Tag::Heading { level, .. }) => {
                self.heading = Some((level, String::new(), Vec::new()));
            }
            Event::End(TagEnd::Heading(_)) => self.end_heading(events)?,
            Event::Start(Tag::Link { dest_url, .. }) => self.begin_link(&dest_url, events)?,
            Event::End(TagEnd::Link) => {
                if let Some(source) = self.unlinked.pop().flatten() {
                    events.push(Event::Text(format!(" ({source})").into()));
                } else {
                    events.push(Event::End(TagEnd::Link));
                }
            }
            Event::Start(Tag::Table(alignments)) => {
                events.push(raw(
                    "<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"Table\">",
                ));
                events.push(Event::Start(Tag::Table(alignments)));
            }
            Event::End(TagEnd::Table) => {
                events.extend([Event::End(TagEnd::Table), raw("</div>")]);
            }
            Event::Start(Tag::CodeBlock(kind)) => {
                let language = match &kind {
                    CodeBlockKind::Fenced(language) => language.as_ref(),
                    CodeBlockKind::Indented => "",
                };
                ensure!(
                    language.bytes().all(|byte| byte.is_ascii_alphanumeric()),
                    "a code block is in {language}"
                );
                let begin = format!("<pre tabindex=\"0\" class=\"{language}\"><code>");
                events.push(Event::Html(begin.into()));
            }
            Event::End(TagEnd::CodeBlock) => events.push(raw("</code></pre>")),
            Event::Html(_) | Event::InlineHtml(_) => bail!("the guide has HTML in it"),
            Event::Text(ref text) | Event::Code(ref text) => {
                if let Some((_, heading, parts)) = &mut self.heading {
                    heading.push_str(text);
                    parts.push(event);
                } else {
                    events.push(event);
                }
            }
            other => events.push(other),
        }
        Ok(())
    }

    fn end_heading(&mut self, events: &mut Vec<Event<'static>>) -> Result<()> {
        let Some((level, text, parts)) = self.heading.take() else {
            return Ok(());
        };
        let anchor = anchor(&text);
        if level == HeadingLevel::H2 {
            let mut name = String::new();
            escape(&mut name, &text);
            self.contents
                .push_str(&format!("<li><a href=\"#{anchor}\">{name}</a></li>\n"));
        }
        ensure!(
            self.anchors.insert(anchor.clone()),
            "two headings are called {text}"
        );
        events.push(Event::Start(Tag::Heading {
            level,
            id: Some(CowStr::from(anchor)),
            classes: Vec::new(),
            attrs: Vec::new(),
        }));
        events.extend(parts);
        events.push(Event::End(TagEnd::Heading(level)));
        Ok(())
    }

    /// A link leads to a page of the shop or of the web. The documents for operators are not served: they are named.
    fn begin_link(&mut self, target: &str, events: &mut Vec<Event<'static>>) -> Result<()> {
        let file = target.split('#').next().unwrap_or_default();
        let (leads_to, source) = if let Some(path) = target.strip_prefix(THIS_SHOP) {
            (path.to_owned(), None)
        } else if target.starts_with("https://") || target.starts_with('#') {
            (target.to_owned(), None)
        } else if file == "openapi.json" {
            ("/api/docs/openapi.json".to_owned(), None)
        } else if file.ends_with(".md") && !file.contains('/') {
            (String::new(), Some(format!("docs/{file}")))
        } else if file == "../README.md" {
            (String::new(), Some("README.md".to_owned()))
        } else {
            bail!("the guide has a link to {target}, which leads nowhere in a running shop");
        };
        if source.is_none() {
            events.push(Event::Start(Tag::Link {
                link_type: LinkType::Inline,
                dest_url: leads_to.into(),
                title: CowStr::from(""),
                id: CowStr::from(""),
            }));
        }
        self.unlinked.push(source);
        Ok(())
    }
}

fn raw(html: &'static str) -> Event<'static> {
    Event::Html(html.into())
}

/// Text as it stands in HTML.
fn escape(html: &mut String, text: &str) {
    html::push_html(
        html,
        std::iter::once(Event::Text(CowStr::from(text.to_owned()))),
    );
}

/// The name of a heading, as GitHub makes it: small letters and digits, and dashes for blanks.
fn anchor(heading: &str) -> String {
    heading
        .chars()
        .filter_map(|letter| match letter {
            ' ' | '-' => Some('-'),
            letter if letter.is_alphanumeric() => Some(letter.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
