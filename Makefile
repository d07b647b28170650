# The newcomer's entry points; the build itself is meson's.
.PHONY: build demo test test-long bench install clean packages

build: packages
	@test -d build || meson setup build --buildtype=release -Dtests=false >/dev/null
	@ninja -C build
packages:
	@tools/install-packages

demo: build
	@tools/demo

test: packages
	@tests/run

test-long: packages
	@tests/run --long

bench: build
	@tools/install-packages bench/packages.txt
	@bench/run
	@bench/scale

install: build
	@meson install -C build

clean:
	rm -rf build build-*
