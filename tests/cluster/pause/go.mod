module sc-extension.dev/tests/cluster/pause

go 1.25.0
