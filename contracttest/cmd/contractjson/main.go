// Contractjson writes the OpenAPI documents of contracts/ as JSON for the emulator, which embeds
// them: with the YAML anchors resolved and the keys sorted, so that the root module needs no YAML.
//
//	go run ./contracttest/cmd/contractjson    in the root of the repository
package main

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// suffix is the end of the names of the documents.
const suffix = ".openapi.yaml"

func main() {
	from := flag.String("from", "contracts", "folder of the OpenAPI documents")
	to := flag.String("to", "emulator/contract", "folder to write into")
	flag.Parse()
	if err := write(*from, *to); err != nil {
		fmt.Fprintln(os.Stderr, "contractjson:", err)
		os.Exit(1)
	}
}

// write converts every document of a folder.
func write(from, to string) error {
	documents, err := convertAll(from)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(documents)) {
		path := filepath.Join(to, name)
		if err := os.WriteFile(path, documents[name], 0o644); err != nil { //nolint:gosec // it is source code, for everybody to read
			return err
		}
		fmt.Println(path)
	}
	return nil
}

// convertAll returns the documents of a folder as JSON, by the name of the file that each belongs
// in.
func convertAll(from string) (map[string][]byte, error) {
	paths, err := filepath.Glob(filepath.Join(from, "*"+suffix))
	if err != nil {
		return nil, err
	}
	if len(paths) == 0 {
		return nil, fmt.Errorf("no *%s in %s: run it in the root of the repository, or name the folder with -from", suffix, from)
	}
	documents := map[string][]byte{}
	for _, path := range paths {
		source, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		document, err := convert(source)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		documents[strings.TrimSuffix(filepath.Base(path), suffix)+".json"] = document
	}
	return documents, nil
}

// convert returns a YAML document as JSON, indented and with sorted keys. A key that is not a text,
// such as a status without quotes, is an error: JSON has no such keys.
func convert(source []byte) ([]byte, error) {
	var document map[string]any
	if err := yaml.Unmarshal(source, &document); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "  ")
	if err := encoder.Encode(document); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
