;; A guest of WASI preview 1. Each run adds a byte to the file `note`, and writes to its output the
;; time, a random number, and what was in the file before.
(module
    (import "wasi_snapshot_preview1" "path_open"
        (func $path_open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_read"
        (func $fd_read (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_write"
        (func $fd_write (param i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "fd_close" (func $fd_close (param i32) (result i32)))
    (import "wasi_snapshot_preview1" "clock_time_get"
        (func $clock_time_get (param i32 i64 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random_get (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 32) "note")

    (func $expect_ok (param $errno i32) (if (local.get $errno) (then unreachable)))
    ;; The one slice of bytes that the next read or write is about is at 0, how many there were at 8.
    (func $slice (param $at i32) (param $len i32)
        (i32.store (i32.const 0) (local.get $at))
        (i32.store (i32.const 4) (local.get $len)))
    (func $write (param $fd i32)
        (call $expect_ok
            (call $fd_write (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8))))

    (func (export "_start") (local $fd i32) (local $len i32)
        (call $expect_ok (call $clock_time_get (i32.const 0) (i64.const 1) (i32.const 64)))
        (call $expect_ok (call $random_get (i32.const 72) (i32.const 8)))
        ;; In the first directory, follow links; create; read and write.
        (call $expect_ok (call $path_open
            (i32.const 3) (i32.const 1) (i32.const 32) (i32.const 4)
            (i32.const 1) (i64.const 0x42) (i64.const 0x42) (i32.const 0) (i32.const 16)))
        (local.set $fd (i32.load (i32.const 16)))
        (call $slice (i32.const 80) (i32.const 1024))
        (call $expect_ok
            (call $fd_read (local.get $fd) (i32.const 0) (i32.const 1) (i32.const 8)))
        (local.set $len (i32.load (i32.const 8)))
        (call $slice (i32.const 32) (i32.const 1))
        (call $write (local.get $fd))
        (call $expect_ok (call $fd_close (local.get $fd)))
        (call $slice (i32.const 64) (i32.add (i32.const 16) (local.get $len)))
        (call $write (i32.const 1))))
