#!/bin/sh
# SPDX-License-Identifier: MIT
# A program builds against the installed tree with nothing but pkg-config, as C and as C++, with
# the shared and with the static library, and runs. So does one for softgpu, and the dmafence command,
# whose man page and completion are there.
# usage: install.sh SOURCE_ROOT
set -eu
source=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT INT TERM

# A build of its own, for installing may build anew.
build=$folder/build
meson setup "$build" "$source" -Dtests=disabled -Dbench=disabled -Dexamples=disabled >"$folder/log" ||
    { cat "$folder/log"; exit 1; }

if sh "$source/scripts/install.sh" "$build" relative >"$folder/log" 2>&1; then
    echo "takes a relative prefix"
    exit 1
fi
grep -q '^error: PREFIX' "$folder/log"

# As 'make install DESTDIR=' does, with a relative path that has a space in it.
install() { # prefix
    (cd "$folder" && sh "$source/scripts/install.sh" "$build" "$1" 'a root') >"$folder/log" 2>&1 ||
        { cat "$folder/log"; exit 1; }
}
install /usr/local
root="$folder/a root"
libdir="$root/usr/local/lib"
test -f "$libdir/pkgconfig/dmafence.pc"
# The flags that pkg-config gives have no quotes for a space: from here on a folder without one.
mv "$root" "$folder/root"
root=$folder/root libdir=$folder/root/usr/local/lib pc=$folder/root/usr/local/lib/pkgconfig/dmafence.pc
for file in include/dmafence/dmafence.h include/dmafence/fence.h include/dmafence/context.h; do
    test -f "$root/usr/local/$file" || { echo "$file is not installed"; exit 1; }
done
for file in dma-fence.h dma-resv.h sched/signal.h; do
    test -f "$root/usr/local/include/dmafence-linux/linux/$file" ||
        { echo "linux/$file is not installed"; exit 1; }
done
test -L "$libdir/libdmafence.so.0"
test -f "$libdir/libdmafence.a"

# What the installed tree says of itself, seen from below DESTDIR.
PKG_CONFIG_PATH=$(dirname "$pc") && export PKG_CONFIG_PATH
flags() {
    pkg-config --define-variable=prefix="$root$(pkg-config --variable=prefix dmafence)" "$@"
}

cat >"$folder/kernel.c" <<'EOF'
#include <stdio.h>
#include <linux/dma-fence.h>

static const char *name(struct dma_fence *fence)
{
	return fence ? "kernel" : NULL;
}

static const struct dma_fence_ops ops = { .get_driver_name = name, .get_timeline_name = name };
static DEFINE_SPINLOCK(lock);

int main(void)
{
	struct dma_fence *fence = kmalloc(sizeof(*fence), GFP_KERNEL);

	dma_fence_init(fence, &ops, &lock, dma_fence_context_alloc(1), 1);
	if (dma_fence_signal(fence) || dma_fence_wait_timeout(fence, true, HZ) <= 0)
		return 1;
	dma_fence_put(fence);
	puts("hello");
	return 0;
}
EOF
cp "$source/examples/readme.c" "$folder/program.c"
cp "$source/examples/copy.c" "$folder/copy.c"
cat >"$folder/program.cc" <<'EOF'
#include <cstdio>
#include <dmafence/dmafence.h>

struct work {
	dma_fence fence;
	dma_fence_cb cb;
	bool done;
};

int main()
{
	static const dma_fence_ops ops = {};
	work *w = new work;

	w->done = false;
	dma_fence_init(&w->fence, &ops, dma_fence_context_alloc(1), 1);
	dma_fence_get(&w->fence);
	int ret = dma_fence_add_callback(&w->fence, &w->cb, [](dma_fence *fence, dma_fence_cb *) {
		reinterpret_cast<work *>(fence)->done = true;
	});
	dma_fence_signal(&w->fence);
	if (ret || !w->done || !dma_fence_is_signaled(&w->fence) ||
	    dma_fence_wait_timeout(&w->fence, false, DMA_FENCE_WAIT_FOREVER) <= 0)
		return 1;
	dma_fence_put(&w->fence);
	std::puts("hello");
	return 0;
}
EOF

cat >"$folder/version.c" <<'EOF'
#include <stdio.h>
#include <string.h>
#include <dmafence/version.h>

int main(void)
{
	if (strcmp(DMA_FENCE_VERSION, dma_fence_version()))
		return 1;
	puts(dma_fence_version());
	return 0;
}
EOF
cat >"$folder/softgpu.c" <<'EOF'
#include <stdio.h>
#include <string.h>
#include <softgpu/softgpu.h>

/* An engine stores a word where the CPU sees it. */
int main(void)
{
	struct softgpu_device *device = softgpu_device_create(NULL);
	struct softgpu_vm *vm = softgpu_vm_create(device);
	struct softgpu_context_params params = { .engine_class = SOFTGPU_CLASS_COPY };
	struct softgpu_context *context = softgpu_context_create(vm, &params);
	struct softgpu_bo *bo = softgpu_bo_create(device, SOFTGPU_PAGE_SIZE, "word");
	struct softgpu_bind bind = { .bo = bo, .address = 1 << 20, .bytes = SOFTGPU_PAGE_SIZE };
	struct softgpu_batch batch = { 0 };
	struct softgpu_use use = { .bo = bo, .write = true };
	struct softgpu_submission submission = { .batches = &batch, .uses = &use, .num_uses = 1 };
	uint64_t word = 0;

	memcpy(&word, "hello", 5);
	if (softgpu_vm_bind(vm, &bind, 1, NULL) || softgpu_cmd_store(&batch, 1 << 20, word) ||
	    softgpu_context_submit(context, &submission) ||
	    softgpu_bo_wait(bo, false, DMA_FENCE_WAIT_FOREVER) < 0)
		return 1;
	puts(softgpu_bo_map(bo));
	softgpu_batch_fini(&batch);
	softgpu_bo_put(bo);
	softgpu_context_put(context);
	softgpu_vm_put(vm);
	softgpu_device_destroy(device);
	return 0;
}
EOF

run() { # program
    [ "$(LD_LIBRARY_PATH=$libdir "$1")" = hello ] || { echo "$1 does not say hello"; exit 1; }
    echo "${1##*/} builds and runs"
}

# shellcheck disable=SC2046 # lists of words
{
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "$folder/program.c" \
        -o "$folder/c-shared" $(flags --cflags --libs dmafence)
    ${CXX:-c++} -std=c++17 -Wall -Wextra -Wpedantic -Werror "$folder/program.cc" \
        -o "$folder/c++-shared" $(flags --cflags --libs dmafence)
    ${CC:-cc} "$folder/program.c" -o "$folder/c-static" $(flags --cflags dmafence) \
        "$libdir/libdmafence.a" $(flags --static --libs-only-l dmafence | sed 's/-ldmafence//')
    ${CC:-cc} -std=gnu11 -Wall -Wextra -Werror "$folder/kernel.c" -o "$folder/kernel-code" \
        $(flags --cflags --libs dmafence-linux)
    ${CC:-cc} -D_POSIX_C_SOURCE=200809L -std=c11 -Wall -Wextra -Werror "$folder/copy.c" \
        -o "$folder/copy" $(flags --cflags --libs dmafence)
}
run "$folder/c-shared"
run "$folder/c++-shared"
run "$folder/c-static"
run "$folder/kernel-code"
LD_LIBRARY_PATH=$libdir "$folder/copy" "$folder/copy.c" "$folder/copy.copy"
cmp "$folder/copy.c" "$folder/copy.copy"
if ldd "$folder/c-static" | grep -q libdmafence; then
    echo "the static program is not static"
    exit 1
fi

# shellcheck disable=SC2046
${CC:-cc} "$folder/version.c" -o "$folder/version" $(flags --cflags --libs dmafence)
version=$(LD_LIBRARY_PATH=$libdir "$folder/version")
[ "$version" = "$(pkg-config --modversion dmafence)" ] || { echo "the version is $version"; exit 1; }
test -f "$libdir/libdmafence.so.$version"

# Where there is no libpng there is no softgpu, nor the command.
if ! pkg-config --exists libpng zlib; then
    echo "softgpu: not built, there is no libpng"
    exit 0
fi
[ "$(pkg-config --modversion softgpu)" = "$version" ]
# shellcheck disable=SC2046
{
    ${CC:-cc} -std=c11 -Wall -Wextra -Wpedantic -Werror "$folder/softgpu.c" \
        -o "$folder/softgpu-shared" $(flags --cflags --libs softgpu)
    ${CC:-cc} "$folder/softgpu.c" -o "$folder/softgpu-static" $(flags --cflags softgpu) \
        "$libdir/libsoftgpu.a" "$libdir/libdmafence.a" \
        $(flags --static --libs-only-l softgpu | sed 's/-lsoftgpu//; s/-ldmafence//')
}
run "$folder/softgpu-shared"
run "$folder/softgpu-static"
# Wherever it is put: it does not need to be told where its libraries are.
dmafence() {
    "$root/usr/local/bin/dmafence" "$@"
}
[ "$(dmafence --version)" = "dmafence $version" ]
dmafence info >"$folder/info"
grep -q 'compute engines' "$folder/info"
dmafence demo --help >"$folder/help"
test -f "$root/usr/local/share/man/man1/dmafence.1"
test -f "$root/usr/local/share/bash-completion/completions/dmafence"
echo "the command is installed, with its man page and completion"
