;; A handler of HTTP requests that answers each with the status 200 and the number of requests that
;; its instance has had.
(component
    (import "wasi:http/types@0.2.0" (instance $http
        (export "fields" (type $fields (sub resource)))
        (export "incoming-request" (type $incoming-request (sub resource)))
        (export "outgoing-response" (type $outgoing-response (sub resource)))
        (export "response-outparam" (type $response-outparam (sub resource)))
        (type $size (option u32))
        (type $long (option u64))
        (type $text (option string))
        (type $dns (record (field "rcode" (option string)) (field "info-code" (option u16))))
        (export "DNS-error-payload" (type $dns-error (eq $dns)))
        (type $alert (record
            (field "alert-id" (option u8)) (field "alert-message" (option string))))
        (export "TLS-alert-received-payload" (type $tls-alert (eq $alert)))
        (type $field (record
            (field "field-name" (option string)) (field "field-size" (option u32))))
        (export "field-size-payload" (type $field-size (eq $field)))
        (type $code (variant
            (case "DNS-timeout")
            (case "DNS-error" $dns-error)
            (case "destination-not-found")
            (case "destination-unavailable")
            (case "destination-IP-prohibited")
            (case "destination-IP-unroutable")
            (case "connection-refused")
            (case "connection-terminated")
            (case "connection-timeout")
            (case "connection-read-timeout")
            (case "connection-write-timeout")
            (case "connection-limit-reached")
            (case "TLS-protocol-error")
            (case "TLS-certificate-error")
            (case "TLS-alert-received" $tls-alert)
            (case "HTTP-request-denied")
            (case "HTTP-request-length-required")
            (case "HTTP-request-body-size" $long)
            (case "HTTP-request-method-invalid")
            (case "HTTP-request-URI-invalid")
            (case "HTTP-request-URI-too-long")
            (case "HTTP-request-header-section-size" $size)
            (case "HTTP-request-header-size" (option $field-size))
            (case "HTTP-request-trailer-section-size" $size)
            (case "HTTP-request-trailer-size" $field-size)
            (case "HTTP-response-incomplete")
            (case "HTTP-response-header-section-size" $size)
            (case "HTTP-response-header-size" $field-size)
            (case "HTTP-response-body-size" $long)
            (case "HTTP-response-trailer-section-size" $size)
            (case "HTTP-response-trailer-size" $field-size)
            (case "HTTP-response-transfer-coding" $text)
            (case "HTTP-response-content-coding" $text)
            (case "HTTP-response-timeout")
            (case "HTTP-upgrade-failed")
            (case "HTTP-protocol-error")
            (case "loop-detected")
            (case "configuration-error")
            (case "internal-error" $text)))
        (export "error-code" (type $error-code (eq $code)))
        (export "[constructor]fields" (func (result (own $fields))))
        (export "[constructor]outgoing-response" (func
            (param "headers" (own $fields)) (result (own $outgoing-response))))
        (export "[method]outgoing-response.set-status-code" (func
            (param "self" (borrow $outgoing-response)) (param "status-code" u16) (result (result))))
        (export "[static]response-outparam.set" (func
            (param "param" (own $response-outparam))
            (param "response" (result (own $outgoing-response) (error $error-code)))))))
    (alias export $http "incoming-request" (type $incoming-request))
    (alias export $http "response-outparam" (type $response-outparam))

    (core module $memory (memory (export "memory") 1))
    (core instance $mem (instantiate $memory))
    (alias core export $mem "memory" (core memory $bytes))
    (core func $drop-request (canon resource.drop $incoming-request))
    (core func $fields (canon lower (func $http "[constructor]fields")))
    (core func $response (canon lower (func $http "[constructor]outgoing-response")))
    (core func $set-status (canon lower
        (func $http "[method]outgoing-response.set-status-code")))
    (core func $set (canon lower
        (func $http "[static]response-outparam.set") (memory $bytes)))

    (core module $handler
        (import "http" "drop-request" (func $drop-request (param i32)))
        (import "http" "fields" (func $fields (result i32)))
        (import "http" "response" (func $response (param i32) (result i32)))
        (import "http" "set-status" (func $set-status (param i32 i32) (result i32)))
        (import "http" "set" (func $set (param i32 i32 i32 i32 i64 i32 i32 i32 i32)))
        (global $requests (mut i32) (i32.const 0))
        (func (export "handle") (param $request i32) (param $out i32) (local $response i32)
            (global.set $requests (i32.add (global.get $requests) (i32.const 1)))
            (call $drop-request (local.get $request))
            (local.set $response (call $response (call $fields)))
            (drop (call $set-status
                (local.get $response) (i32.add (i32.const 200) (global.get $requests))))
            ;; `ok` of the response; the rest is room for an error.
            (call $set (local.get $out) (i32.const 0) (local.get $response) (i32.const 0)
                (i64.const 0) (i32.const 0) (i32.const 0) (i32.const 0) (i32.const 0))))
    (core instance $guest (instantiate $handler
        (with "http" (instance
            (export "drop-request" (func $drop-request))
            (export "fields" (func $fields))
            (export "response" (func $response))
            (export "set-status" (func $set-status))
            (export "set" (func $set))))))
    (func $handle
        (param "request" (own $incoming-request)) (param "response-out" (own $response-outparam))
        (canon lift (core func $guest "handle")))
    (component $incoming-handler
        (import "request" (type $request (sub resource)))
        (import "out" (type $out (sub resource)))
        (import "handle" (func $handle
            (param "request" (own $request)) (param "response-out" (own $out))))
        (export $incoming-request "incoming-request" (type $request))
        (export $response-outparam "response-outparam" (type $out))
        (export "handle" (func $handle) (func
            (param "request" (own $incoming-request))
            (param "response-out" (own $response-outparam)))))
    (instance $exports (instantiate $incoming-handler
        (with "request" (type $incoming-request))
        (with "out" (type $response-outparam))
        (with "handle" (func $handle))))
    (export "wasi:http/incoming-handler@0.2.0" (instance $exports)))
