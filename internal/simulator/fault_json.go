package simulator

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// ParseFault reads a [Fault] from JSON. The members are the fields in snake
// case, durations are text such as "1.5s", claims are the JSON object itself:
//
//	{"kind":"throttle","method":"POST","retry_after":"2s","count":1}
func ParseFault(text []byte) (Fault, error) {
	var in struct {
		Kind          FaultKind       `json:"kind"`
		Method        string          `json:"method"`
		Path          string          `json:"path"`
		Skip          int             `json:"skip"`
		Count         int             `json:"count"`
		DeadTokenOnly bool            `json:"dead_token_only"`
		OncePerToken  bool            `json:"once_per_token"`
		Delay         span            `json:"delay"`
		Status        int             `json:"status"`
		Code          string          `json:"code"`
		Message       string          `json:"message"`
		Body          string          `json:"body"`
		RetryAfter    span            `json:"retry_after"`
		Location      string          `json:"location"`
		Claims        json.RawMessage `json:"claims"`
		Bytes         int64           `json:"bytes"`
		Interval      span            `json:"interval"`
		Header        http.Header     `json:"header"`
	}
	if err := decodeStrictly(bytes.NewReader(text), &in); err != nil {
		return Fault{}, err
	}
	return Fault{
		Kind: in.Kind, Method: in.Method, Path: in.Path, Skip: in.Skip, Count: in.Count,
		DeadTokenOnly: in.DeadTokenOnly, OncePerToken: in.OncePerToken, Delay: time.Duration(in.Delay),
		Status: in.Status, Code: in.Code, Message: in.Message, Body: in.Body,
		RetryAfter: time.Duration(in.RetryAfter), Location: in.Location, Claims: string(in.Claims),
		Bytes: in.Bytes, Interval: time.Duration(in.Interval), Header: in.Header,
	}, nil
}

func decodeStrictly(from io.Reader, into any) error {
	dec := json.NewDecoder(from)
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		return fmt.Errorf("read the JSON: %w", err)
	}
	return nil
}

// span is a duration as people write it: "1.5s".
type span time.Duration

func (s *span) UnmarshalText(text []byte) error {
	d, err := time.ParseDuration(string(text))
	if err == nil && d < 0 {
		err = fmt.Errorf("%s is negative", text)
	}
	*s = span(d)
	return err
}
