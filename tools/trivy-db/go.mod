module pks-portal/tools/trivy-db

go 1.26.8

require (
	github.com/pandatix/go-cvss v0.6.4
	go.etcd.io/bbolt v1.5.0
)

require golang.org/x/sys v0.45.0 // indirect
