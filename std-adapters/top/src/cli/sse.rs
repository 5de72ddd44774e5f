//! Server-sent events, put together from the bytes in which they come.

/// Bytes of one event at most: far more than a snapshot of 100,000 limits.
const EVENT_BYTES_MAX: usize = 256 << 20;

/// One event of a stream.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Event {
    /// Its name; `message` if the stream gives none.
    pub(super) name: String,
    pub(super) id: Option<String>,
    pub(super) data: String,
}

/// An event is larger than any that is to be expected.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooLarge;

/// Takes bytes in, and gives events out.
#[derive(Debug, Default)]
pub(super) struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
}

impl Parser {
    /// The events that end within these bytes.
    ///
    /// # Errors
    /// [`TooLarge`], if an event does not end for too long.
    pub(super) fn take(&mut self, mut bytes: &[u8]) -> Result<Vec<Event>, TooLarge> {
        let mut events = Vec::new();
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.line.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            let line = std::mem::take(&mut self.line);
            events.extend(self.on_line(&String::from_utf8_lossy(&line)));
        }
        self.line.extend_from_slice(bytes);
        if self.line.len() + self.event.data.len() > EVENT_BYTES_MAX {
            return Err(TooLarge);
        }
        Ok(events)
    }

    fn on_line(&mut self, line: &str) -> Option<Event> {
        let line = line.strip_suffix('\r').unwrap_or(line);
        if line.is_empty() {
            let mut event = std::mem::take(&mut self.event);
            if event.name.is_empty() {
                event.name = "message".to_owned();
            }
            // Without data there is no event.
            return std::mem::take(&mut self.has_data).then_some(event);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => self.event.name = value.to_owned(),
            "id" => self.event.id = Some(value.to_owned()),
            "data" => {
                if self.has_data {
                    self.event.data.push('\n');
                }
                self.has_data = true;
                self.event.data.push_str(value);
            }
            // A comment, or a field that means nothing here.
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str = "retry: 2000\n\n: a comment\nevent: event\nid: 7-1\ndata: {\"a\":1}\n\n\
                          event: snapshot\r\ndata: one\r\ndata:two\r\n\r\ndata\n\nid: lost\n\n";

    fn events(step: usize) -> Vec<(String, Option<String>, String)> {
        let mut parser = Parser::default();
        let parts = STREAM.as_bytes().chunks(step);
        let events = parts.flat_map(|part| parser.take(part).expect("they are small"));
        events.map(|event| (event.name, event.id, event.data)).collect()
    }

    #[test]
    fn events_are_the_same_however_their_bytes_come() {
        let text = str::to_owned;
        let expected = [
            (text("event"), Some(text("7-1")), text("{\"a\":1}")),
            (text("snapshot"), None, text("one\ntwo")),
            (text("message"), None, text("")),
        ];
        for step in 1..=STREAM.len() {
            assert_eq!(events(step), expected, "{step} bytes at a time");
        }
    }

    #[test]
    fn bytes_that_are_no_text_and_lines_without_end_do_no_harm() {
        let mut parser = Parser::default();
        let events = parser.take(b"data: \xff\xfe\n\n").expect("it is small");
        assert_eq!(events[0].data, "\u{fffd}\u{fffd}");
        let part = vec![b'x'; 1 << 20];
        let mut parts = (0..300).map(|_| parser.take(&part));
        assert!(parts.any(|taken| taken == Err(TooLarge)));
    }
}
