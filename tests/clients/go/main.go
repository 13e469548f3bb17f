// One story told by the Go clients: what a user of theirs would notice, as one line of JSON.
//
//	story franz|sarama BOOTSTRAP NAME
//
// Every wait has a deadline; what goes wrong ends the program with a line and a code other than 0.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"time"
)

const wait = 60 * time.Second

// read is what a consumer was given.
type read struct {
	Records int `json:"records"`
	Keys    int `json:"keys"`
	Headers int `json:"headers"`
}

func main() {
	stories := map[string]func(string, string) (map[string]any, error){"franz": franz, "sarama": saramaStory}
	told, err := stories[os.Args[1]](os.Args[2], os.Args[3])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	line, _ := json.Marshal(told)
	fmt.Println(string(line))
}
