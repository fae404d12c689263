// Command records reads the Secret of a release as Helm's storage does, shows what Helm makes of it,
// and writes the same release as Helm's next revision.
//
// Usage: records SECRET.json NEXT.json
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func main() {
	if err := run(os.Args[1], os.Args[2]); err != nil {
		log.Fatal(err)
	}
}

func run(from, to string) error {
	text, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	var secret corev1.Secret
	if err := json.Unmarshal(text, &secret); err != nil {
		return err
	}
	secrets := fake.NewClientset(&secret).CoreV1().Secrets(secret.Namespace)
	records := storage.Init(driver.NewSecrets(secrets))
	last, err := records.Last(secret.Labels["name"])
	if err != nil {
		return err
	}
	release := last.(*v1.Release)
	shown, err := json.MarshalIndent(release, "", "  ")
	if err != nil {
		return err
	}
	fmt.Println(string(shown))
	release.Version++
	release.Labels = map[string]string{"team": "blue"}
	if err := records.Create(release); err != nil {
		return err
	}
	name := fmt.Sprintf("sh.helm.release.v1.%s.v%d", release.Name, release.Version)
	next, err := secrets.Get(context.Background(), name, metav1.GetOptions{})
	if err != nil {
		return err
	}
	text, err = json.MarshalIndent(next, "", "  ")
	if err != nil {
		return err
	}
	return os.WriteFile(to, append(text, '\n'), 0o644)
}
