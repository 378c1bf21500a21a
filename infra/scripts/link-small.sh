#!/usr/bin/env bash
# The linker of the programs in images (images.sh), called as cc is. Functions that became the same code are kept once, and
# what the loader adjusts is written as a bit map: together a tenth of a program. Both need LLVM's linker, which comes with Rust.
set -euo pipefail

host=$(rustc -vV | sed -n 's/^host: //p')
exec cc "-B$(rustc --print sysroot)/lib/rustlib/$host/bin/gcc-ld" -fuse-ld=lld -Wl,--icf=all,--pack-dyn-relocs=relr "$@"
