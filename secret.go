package playline

import "github.com/playline/playline-go/internal/secret"

// Secret is a credential as a program hands it in: it prints, logs and marshals as [REDACTED],
// whatever the verb or the encoder. An untyped string constant becomes a Secret by itself; a variable
// takes a conversion, Secret(s), and string(s) reads it.
//
// A Secret is a string, so whatever asks no methods shows it: fmt for unexported fields, the diff of
// testify, go-spew and other printers that walk by reflection, encoding/gob. Keep a credential in a
// HeldSecret, of which they find nothing.
type Secret = secret.Secret

// HeldSecret holds a credential where nothing finds it that walks through values: neither fmt in an
// unexported field, nor the diff of testify, nor go-spew, nor an encoder. Its method Secret returns the
// credential, and Secret.Hold makes one. It prints, logs and marshals as [REDACTED], and is read
// from a string in JSON. The zero value holds nothing; compare two of them with Equal and not with ==.
type HeldSecret = secret.Held

const redacted = secret.Redacted
