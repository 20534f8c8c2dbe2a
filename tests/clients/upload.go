// Uploads a large body again and again; prints how many responses had the status 401.
package main

import (
	"bytes"
	"fmt"
	"net/http"
	"os"
	"strconv"
)

func main() {
	size, _ := strconv.Atoi(os.Args[2])
	times, _ := strconv.Atoi(os.Args[3])
	body, got := make([]byte, size), 0
	for i := 0; i < times; i++ {
		response, err := http.Post(os.Args[1], "application/octet-stream", bytes.NewReader(body))
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			continue
		}
		if response.StatusCode == 401 {
			got++
		}
		response.Body.Close()
	}
	fmt.Println(got)
}
