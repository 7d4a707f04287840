# The same image that scripts/image packs without Docker; build the binary first, by scripts/image.
FROM scratch
COPY target/x86_64-unknown-linux-musl/release/sc-job /sc-job
USER 65532:65532
WORKDIR /
ENTRYPOINT ["/sc-job"]
