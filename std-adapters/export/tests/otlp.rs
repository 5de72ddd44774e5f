//! OTLP over HTTP to a receiver in this process, which decodes what came with the types of the protocol.
#![cfg(all(feature = "opentelemetry", feature = "text"))]
#![forbid(unsafe_code)]

mod common;
#[path = "common/http.rs"]
mod http;

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use common::{assert_same, everything, series};
use http::serve;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::common::v1::any_value::Value as AnyValue;
use opentelemetry_proto::tonic::metrics::v1::metric::Data;
use opentelemetry_proto::tonic::metrics::v1::number_data_point::Value as Number;
use opentelemetry_proto::tonic::metrics::v1::{Metric, NumberDataPoint};
use opentelemetry_sdk::metrics::SdkMeterProvider;
use plimsoll_export::{Exporter, Format, Kind, Scrape};
use prost::Message;

/// The HTTP client of the exporter: one request on one connection.
#[derive(Debug)]
struct Client;

impl HttpClient for Client {
    fn send_bytes<'a, 'b>(
        &'a self,
        request: Request<Bytes>,
    ) -> std::pin::Pin<Box<dyn Future<Output = Result<Response<Bytes>, HttpError>> + Send + 'b>>
    where
        'a: 'b,
        Self: 'b,
    {
        Box::pin(async move { Ok(send(&request)?) })
    }
}

fn send(request: &Request<Bytes>) -> std::io::Result<Response<Bytes>> {
    let authority = request.uri().authority().unwrap().as_str();
    let mut stream = TcpStream::connect(authority)?;
    stream.set_read_timeout(Some(Duration::from_secs(10)))?;
    write!(stream, "{} {} HTTP/1.0\r\n", request.method(), request.uri().path())?;
    for (name, value) in request.headers() {
        write!(stream, "{name}: {}\r\n", value.to_str().unwrap())?;
    }
    write!(stream, "Content-Length: {}\r\n\r\n", request.body().len())?;
    stream.write_all(request.body())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    assert!(answer.starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer));
    Ok(Response::new(Bytes::new()))
}

/// The points of a metric, by the labels that the text has; and whether it is a counter.
fn points(metric: &Metric) -> (&[NumberDataPoint], bool) {
    match metric.data.as_ref().unwrap() {
        Data::Gauge(gauge) => (&gauge.data_points, false),
        Data::Sum(sum) => (&sum.data_points, sum.is_monotonic),
        other => panic!("{}: {other:?}", metric.name),
    }
}

fn number(point: &NumberDataPoint) -> f64 {
    match point.value.as_ref().unwrap() {
        Number::AsDouble(number) => *number,
        Number::AsInt(number) => *number as f64,
    }
}

fn labels(point: &NumberDataPoint) -> String {
    let label = |it: &opentelemetry_proto::tonic::common::v1::KeyValue| {
        let Some(AnyValue::StringValue(text)) = it.value.as_ref().unwrap().value.as_ref() else {
            panic!("{} is no text", it.key);
        };
        let text = text.replace('\\', "\\\\").replace('"', "\\\"");
        format!("{}=\"{text}\"", it.key.rsplit('.').next().unwrap())
    };
    let mut labels: Vec<_> = point.attributes.iter().map(label).collect();
    labels.sort();
    if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) }
}

#[test]
fn see_5_a_collector_receives_what_the_text_says() {
    let (sender, received) = mpsc::channel();
    let sender = std::sync::Mutex::new(sender);
    let address = serve(move |request| {
        sender.lock().unwrap().send((request.head.clone(), request.body.clone())).unwrap();
        ("application/x-protobuf".to_owned(), Vec::new())
    });
    let otlp = MetricExporter::builder()
        .with_http()
        .with_http_client(Client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("http://{address}/v1/metrics"))
        .build()
        .unwrap();
    let provider = SdkMeterProvider::builder().with_periodic_exporter(otlp).build();

    let all = everything();
    let exporter = Exporter::new(&all.registry).top_principals(true);
    let _registered = exporter.register(&provider.meter("plimsoll")).unwrap();
    provider.force_flush().unwrap();

    let (head, body) = received.recv_timeout(Duration::from_secs(30)).unwrap();
    assert!(head.starts_with("POST /v1/metrics "), "{head}");
    let request = ExportMetricsServiceRequest::decode(&*body).unwrap();
    let scope = &request.resource_metrics[0].scope_metrics[0];
    assert_eq!(scope.scope.as_ref().unwrap().name, "plimsoll");
    let metrics: BTreeMap<_, _> = scope.metrics.iter().map(|it| (&*it.name, it)).collect();
    assert_eq!(metrics.len(), scope.metrics.len(), "no name is there twice");

    let mut got = BTreeMap::new();
    for family in Scrape::families() {
        let parts = match family.kind {
            Kind::Histogram => vec![(".bucket", "_bucket"), (".sum", "_sum"), (".count", "_count")],
            _ => vec![("", "")],
        };
        for (part, suffix) in parts {
            let Some(metric) = metrics.get(&*format!("{}{part}", family.otel)) else {
                continue;
            };
            let (points, is_counter) = points(metric);
            let grows = matches!(family.kind, Kind::Counter | Kind::Histogram);
            assert_eq!(is_counter, grows, "{}", metric.name);
            for point in points {
                let labels = labels(point);
                // Three families of guests are one name with a state.
                let labels = match family.name.strip_prefix("plimsoll_guests_") {
                    Some(state) => match labels.split_once(&format!(",state=\"{state}\"")) {
                        Some((before, after)) => format!("{before}{after}"),
                        None => continue,
                    },
                    None => labels,
                };
                got.insert(format!("{}{suffix}{labels}", family.name), number(point));
            }
        }
    }
    assert_same(&got, &series(&exporter.scrape().text(Format::Prometheus)));
    // The provider exports once more when it ends.
    provider.shutdown().unwrap();
    assert!(received.recv_timeout(Duration::from_secs(30)).is_ok());
}
