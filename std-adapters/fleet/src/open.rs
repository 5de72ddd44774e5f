//! Opening a fleet on its server: the stream and the bucket are there, with the settings asked for.

use std::time::Duration;

use async_nats::Client;
use async_nats::jetstream::context::{GetStreamErrorKind, RequestError, RequestErrorKind};
use async_nats::jetstream::{self, ErrorCode, kv, stream};

use crate::connect::{Fleet, server_error};
use crate::error::FleetError;

/// What is open on the server.
#[derive(Clone, Debug)]
pub(crate) struct Opened {
    pub(crate) jetstream: jetstream::Context,
    pub(crate) states: kv::Store,
}

impl Fleet {
    /// The stream and the bucket, made if they are not there.
    ///
    /// # Errors
    /// [`FleetError::NoJetStream`], [`FleetError::Settings`], [`FleetError::Server`].
    pub(crate) async fn open(
        &self,
        client: &Client,
        timeout: Duration,
    ) -> Result<Opened, FleetError> {
        let context = jetstream::ContextBuilder::new().timeout(timeout).ack_timeout(timeout);
        let jetstream = context.build(client.clone());
        ensure(&jetstream, &self.events_config()).await?;
        ensure(&jetstream, &self.states_config()).await?;
        let states = jetstream.get_key_value(self.states_bucket()).await;
        let states = states.map_err(|why| server_error("open the bucket of states", &why))?;
        Ok(Opened { jetstream, states })
    }
}

/// Makes a stream if it is not there, and holds its settings against those asked.
async fn ensure(jetstream: &jetstream::Context, asked: &stream::Config) -> Result<(), FleetError> {
    let found = match jetstream.get_stream(&asked.name).await {
        Ok(stream) => stream,
        Err(why) => match why.kind() {
            GetStreamErrorKind::JetStream(error) if is_no_jetstream(error.error_code()) => {
                return Err(FleetError::NoJetStream);
            }
            GetStreamErrorKind::JetStream(error)
                if error.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                let created = jetstream.create_stream(asked).await;
                created.map_err(|why| server_error("make a stream", &why))?
            }
            GetStreamErrorKind::Request if nobody_answers(&why) => {
                return Err(FleetError::NoJetStream);
            }
            _ => return Err(server_error("look for a stream", &why)),
        },
    };
    same_settings(asked, &found.cached_info().config)
}

/// The settings that decide what is kept, and for how long.
fn same_settings(asked: &stream::Config, found: &stream::Config) -> Result<(), FleetError> {
    let settings = |config: &stream::Config| -> [(&'static str, String); 10] {
        [
            ("subjects", format!("{:?}", config.subjects)),
            ("retention", format!("{:?}", config.retention)),
            ("discard", format!("{:?}", config.discard)),
            ("max_age", format!("{:?}", config.max_age)),
            ("max_bytes", config.max_bytes.to_string()),
            ("max_msgs_per_subject", config.max_messages_per_subject.to_string()),
            ("duplicate_window", format!("{:?}", config.duplicate_window)),
            ("storage", format!("{:?}", config.storage)),
            ("num_replicas", config.num_replicas.to_string()),
            ("no_ack", (config.no_ack || config.sealed).to_string()),
        ]
    };
    let pairs = settings(asked).into_iter().zip(settings(found));
    match pairs.into_iter().find(|(asked, found)| asked != found) {
        Some(((setting, wanted), (_, found))) => {
            Err(FleetError::Settings { of: asked.name.clone(), setting, asked: wanted, found })
        }
        None => Ok(()),
    }
}

fn is_no_jetstream(code: ErrorCode) -> bool {
    matches!(code, ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT)
}

/// Whether nobody on the server listens to requests of JetStream.
fn nobody_answers(error: &(dyn std::error::Error + 'static)) -> bool {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<RequestError>())
        .any(|error| error.kind() == RequestErrorKind::NoResponders)
}
