// Command old-go uses old modules, so that tests of scanning have a real Go program with real vulnerabilities in it.
package main

import (
	"fmt"

	jwt "github.com/dgrijalva/jwt-go"
	"golang.org/x/text/language"
	yaml2 "gopkg.in/yaml.v2"
	yaml3 "gopkg.in/yaml.v3"
)

func main() {
	var said any
	fmt.Println(language.Make("zh-Hans"), jwt.TimeFunc(), yaml2.Unmarshal([]byte("1"), &said), yaml3.Unmarshal([]byte("1"), &said))
}
