package main

import (
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"os"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// certificates prints certificates that sprig makes from keys given, one JSON object a line, with what
// another implementation has to be given to make the same: serial number and time.
func certificates() {
	for name, key := range keys() {
		for index, text := range []string{
			`{{$c := genCAWithKey "ca" 30 .key}}{{$c.Cert}}{{$c.Key}}`,
			`{{$c := genSelfSignedCertWithKey "*.example.com" (list "10.0.0.1" "::1") (list "a.example" "*.b.example") 10950 .key}}{{$c.Cert}}{{$c.Key}}`,
			`{{$c := genSelfSignedCertWithKey "" nil (list "x") 1 .key}}{{$c.Cert}}{{$c.Key}}`,
			`{{$ca := buildCustomCert (b64enc .ca) (b64enc .key)}}{{$c := genSignedCertWithKey "web_1" nil (list "web") 365 $ca .key}}{{$c.Cert}}{{$c.Key}}`,
		} {
			data := map[string]any{"key": key}
			ca, err := execute(`{{(genCAWithKey "ca" 30 .key).Cert}}`, data)
			must(err)
			data["ca"] = ca
			output, err := execute(text, data)
			must(err)
			block, _ := pem.Decode([]byte(output))
			parsed, err := x509.ParseCertificate(block.Bytes)
			must(err)
			answer, _ := json.Marshal(map[string]any{
				"name": fmt.Sprintf("%s %d", name, index), "template": text, "key": key, "ca": ca, "output": output,
				"serial":  fmt.Sprintf("%032x", parsed.SerialNumber),
				"seconds": parsed.NotBefore.Unix(), "random": name != "rsa" && name != "ed25519",
			})
			fmt.Println(string(answer))
		}
	}
}

// verify reads the outputs of another implementation (pairs of a certificate and its key, PEM) and
// checks that Go accepts them; one JSON string a line.
func verify() {
	decoder := json.NewDecoder(os.Stdin)
	for {
		var text string
		if decoder.Decode(&text) != nil {
			return
		}
		block, rest := pem.Decode([]byte(text))
		certificate, err := x509.ParseCertificate(block.Bytes)
		must(err)
		if certificate.Issuer.CommonName == certificate.Subject.CommonName {
			must(certificate.CheckSignature(certificate.SignatureAlgorithm, certificate.RawTBSCertificate, certificate.Signature))
		}
		key, _ := pem.Decode(rest)
		fmt.Printf("%s %s %v %v %v-%v %s\n", certificate.Subject, certificate.SignatureAlgorithm, certificate.IsCA,
			certificate.DNSNames, certificate.NotBefore, certificate.NotAfter, key.Type)
		if key.Type == "RSA PRIVATE KEY" {
			private, err := x509.ParsePKCS1PrivateKey(key.Bytes)
			must(err)
			must(private.Validate())
		}
	}
}

func keys() map[string]string {
	one, err := rsa.GenerateKey(rand.Reader, 2048)
	must(err)
	all := map[string]string{"rsa": encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(one))}
	_, two, err := ed25519.GenerateKey(rand.Reader)
	must(err)
	der, err := x509.MarshalPKCS8PrivateKey(two)
	must(err)
	all["ed25519"] = encode("PRIVATE KEY", der)
	for _, curve := range []elliptic.Curve{elliptic.P224(), elliptic.P256(), elliptic.P384(), elliptic.P521()} {
		key, err := ecdsa.GenerateKey(curve, rand.Reader)
		must(err)
		der, err := x509.MarshalECPrivateKey(key)
		must(err)
		all[curve.Params().Name] = encode("EC PRIVATE KEY", der)
	}
	return all
}

func encode(kind string, der []byte) string {
	return string(pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}))
}

func execute(text string, data any) (string, error) {
	parsed, err := template.New("t").Funcs(sprig.TxtFuncMap()).Parse(text)
	if err != nil {
		return "", err
	}
	var out strings.Builder
	err = parsed.Execute(&out, data)
	return out.String(), err
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
