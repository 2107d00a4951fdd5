// Command trivy-db makes a database for trivy (schema 2, bbolt) out of OSV records, for tests of scanning: real ones are
// trivy's own, fetched or uploaded. Usage: trivy-db DIRECTORY UPDATED-AT record.json...
//
// Buckets as trivy reads them: vulnerability/<id> → what is told of it; data-source/<bucket> → whose it is;
// "<language>::<source>"/<package>/<id> → version ranges; "<distribution> <release>"/<package>/<id> → the fix; of Red Hat
// "Red Hat"/<package>/<id> → fixes, each with the numbers of the products (CPE) that it is for, and "Red Hat CPE"/
// repository/<repository> → the numbers of the products that come from there.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	gocvss31 "github.com/pandatix/go-cvss/31"
	bolt "go.etcd.io/bbolt"
)

type pkg struct{ Ecosystem, Name string }

type affected struct {
	Package pkg
	Ranges  []struct {
		Type   string
		Events []map[string]string
	}
	Specific struct{ Urgency string } `json:"ecosystem_specific"`
}

type record struct {
	ID, Summary, Details string
	Withdrawn            string
	Aliases              []string
	References           []struct{ URL string }
	Severity             []struct{ Type, Score string }
	Upstream             []string
	Affected             []affected
	Specific             struct {
		Severity string
		CWEs     []string `json:"cwe_ids"`
	} `json:"database_specific"`
}

var languages = map[string]string{
	"PyPI": "pip", "npm": "npm", "Go": "go", "Maven": "maven", "RubyGems": "rubygems", "crates.io": "cargo",
	"Packagist": "composer", "NuGet": "nuget",
}
var distributions = map[string]string{
	"Debian": "debian", "Alpine": "alpine", "Ubuntu": "ubuntu", "AlmaLinux": "alma", "Rocky Linux": "rocky",
	"Wolfi": "wolfi", "Chainguard": "chainguard", "Oracle Linux": "Oracle Linux", "Amazon Linux": "amazon linux",
	"Photon OS": "Photon OS", "Azure Linux": "Azure Linux", "openSUSE": "openSUSE", "SUSE": "SUSE",
}

// repositories are those from which trivy takes a package of Red Hat's to be, and the products that they are of.
var repositories = []struct{ name, product string }{
	{"rhel-7-server-rpms", "enterprise_linux:7::server"},
	{"rhel-8-for-x86_64-baseos-rpms", "enterprise_linux:8::baseos"},
	{"rhel-8-for-x86_64-appstream-rpms", "enterprise_linux:8::appstream"},
	{"rhel-9-for-x86_64-baseos-rpms", "enterprise_linux:9::baseos"},
	{"rhel-9-for-x86_64-appstream-rpms", "enterprise_linux:9::appstream"},
}
var levels = map[string]int{"LOW": 1, "MODERATE": 2, "MEDIUM": 2, "HIGH": 3, "CRITICAL": 4}

const source = "Advisories of the tests"

func main() {
	if len(os.Args) < 4 {
		fmt.Fprintln(os.Stderr, "usage: trivy-db DIRECTORY UPDATED-AT record.json...")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2], os.Args[3:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(directory, updated string, files []string) error {
	db, err := bolt.Open(filepath.Join(directory, "trivy.db"), 0o644, nil)
	if err != nil {
		return err
	}
	defer db.Close()
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			return err
		}
		var one record
		if err := json.Unmarshal(raw, &one); err != nil {
			return fmt.Errorf("%s: %w", file, err)
		}
		if one.Withdrawn != "" {
			continue
		}
		if err := db.Update(func(tx *bolt.Tx) error { return keep(tx, one) }); err != nil {
			return err
		}
	}
	said := map[string]any{"Version": 2, "UpdatedAt": updated, "NextUpdate": updated, "DownloadedAt": updated}
	raw, err := json.Marshal(said)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(directory, "metadata.json"), raw, 0o644)
}

func keep(tx *bolt.Tx, one record) error {
	id := one.ID
	for _, alias := range append(one.Aliases, one.Upstream...) {
		if strings.HasPrefix(alias, "CVE-") {
			id = alias
		}
	}
	if err := put(tx, about(one), "vulnerability", id); err != nil {
		return err
	}
	ranges := map[pkg][]affected{}
	for _, part := range one.Affected {
		ranges[part.Package] = append(ranges[part.Package], part)
	}
	for name, parts := range ranges {
		bucket, value := "", any(nil)
		if product, found := strings.CutPrefix(name.Ecosystem, "Red Hat:"); found {
			if err := repository(tx); err != nil {
				return err
			}
			bucket, value = "Red Hat", entries(parts, product, id)
		} else if bucket = distribution(name.Ecosystem); bucket != "" {
			value = fixed(parts)
		} else if language, known := languages[name.Ecosystem]; known {
			bucket, value = language+"::"+source, versions(parts)
		} else {
			continue
		}
		whose := map[string]string{"ID": "osv", "Name": source, "URL": "https://osv.dev"}
		if err := put(tx, whose, "data-source", bucket); err != nil {
			return err
		}
		if err := put(tx, value, bucket, called(name), id); err != nil {
			return err
		}
	}
	return nil
}

// distribution is how trivy calls what OSV calls so: "ubuntu 22.04" is "Ubuntu:22.04:LTS".
func distribution(ecosystem string) string {
	name, release, _ := strings.Cut(ecosystem, ":")
	release, pro := strings.CutPrefix(release, "Pro:")
	release = strings.TrimSuffix(strings.TrimPrefix(release, "v"), ":LTS")
	if pro {
		release += "-ESM"
	}
	switch {
	case distributions[name] == "":
		return ""
	case name == "Azure Linux" && release < "3":
		return "CBL-Mariner " + release + ".0"
	case name == "Azure Linux":
		release += ".0"
	}
	return strings.TrimSpace(distributions[name] + " " + release)
}

// repository says of which products trivy takes a package of Red Hat's to be.
func repository(tx *bolt.Tx) error {
	for number, one := range repositories {
		if err := put(tx, []int{number}, "Red Hat CPE", "repository", one.name); err != nil {
			return err
		}
	}
	return nil
}

// entries says what Red Hat has fixed in a product.
func entries(parts []affected, product, id string) map[string]any {
	numbers := []int{}
	for number, one := range repositories {
		if one.product == product {
			numbers = append(numbers, number)
		}
	}
	one := map[string]any{"Affected": numbers, "Cves": []any{map[string]any{"ID": id, "Severity": levels["HIGH"]}}}
	if version, found := fixed(parts)["FixedVersion"]; found {
		one["FixedVersion"] = version
	}
	return map[string]any{"Entries": []any{one}}
}

// called is the name under which trivy asks for a package: in small letters where case tells nothing apart.
func called(name pkg) string {
	switch name.Ecosystem {
	case "PyPI":
		return strings.ReplaceAll(strings.ToLower(name.Name), "_", "-")
	case "NuGet":
		return strings.ToLower(name.Name)
	}
	return name.Name
}

// fixed says a distribution's word in trivy's: the version that has the fix, or that there is none ("affected").
func fixed(parts []affected) map[string]any {
	for _, part := range parts {
		for _, one := range part.Ranges {
			for _, event := range one.Events {
				if version, found := event["fixed"]; found {
					return map[string]any{"FixedVersion": version}
				}
			}
		}
	}
	said := map[string]any{"Status": 2}
	if parts[0].Specific.Urgency == "unimportant" { // as trivy-db reads Debian's tracker
		said["Severity"] = levels["LOW"]
	}
	return said
}

// versions says a package's ranges in trivy's words: ">=4.0, <4.1.10".
func versions(parts []affected) map[string][]string {
	said := map[string][]string{"VulnerableVersions": {}, "PatchedVersions": {}}
	for _, part := range parts {
		for _, one := range part.Ranges {
			if one.Type == "GIT" {
				continue
			}
			from := ""
			for _, event := range one.Events {
				if begin, found := event["introduced"]; found {
					from = begin
				}
				fixed, until := event["fixed"]
				last, including := event["last_affected"]
				if until || including {
					within := "<" + fixed
					if including {
						within = "<=" + last
					}
					if from != "0" && from != "" {
						within = ">=" + from + ", " + within
					}
					said["VulnerableVersions"] = append(said["VulnerableVersions"], within)
					if until {
						said["PatchedVersions"] = append(said["PatchedVersions"], fixed)
					}
					from = ""
				}
			}
			if from != "" {
				said["VulnerableVersions"] = append(said["VulnerableVersions"], ">="+from) // ">=0": every version
			}
		}
	}
	return said
}

func about(one record) map[string]any {
	links := []string{}
	for _, link := range one.References {
		links = append(links, link.URL)
	}
	said := map[string]any{
		"Title": one.Summary, "Description": one.Details, "References": links, "CweIDs": one.Specific.CWEs,
	}
	word := one.Specific.Severity
	for _, rating := range one.Severity {
		if rating.Type == "CVSS_V3" {
			said["CVSS"] = map[string]any{"osv": map[string]string{"V3Vector": rating.Score}}
			if vector, err := gocvss31.ParseVector(rating.Score); err == nil && word == "" {
				word, _ = gocvss31.Rating(vector.BaseScore())
			}
		}
	}
	if level := levels[strings.ToUpper(word)]; level > 0 {
		said["VendorSeverity"] = map[string]int{"osv": level}
	}
	return said
}

func put(tx *bolt.Tx, value any, bucket string, path ...string) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	within, err := tx.CreateBucketIfNotExists([]byte(bucket))
	for _, name := range path[:len(path)-1] {
		if err != nil {
			return err
		}
		within, err = within.CreateBucketIfNotExists([]byte(name))
	}
	if err != nil {
		return err
	}
	return within.Put([]byte(path[len(path)-1]), raw)
}
