package simulator

import (
	"bytes"
	"encoding/json"
)

// object writes a JSON object, or the end of one, member by member.
type object struct {
	out     *bytes.Buffer
	started bool
}

func newObject(out *bytes.Buffer) *object {
	out.WriteByte('{')
	return &object{out: out}
}

// name begins a member; its value is to be written to out.
func (o *object) name(name string) {
	if o.started {
		o.out.WriteByte(',')
	}
	o.started = true
	writeString(o.out, name)
	o.out.WriteByte(':')
}

func (o *object) raw(name string, value json.RawMessage) {
	o.name(name)
	o.out.Write(value)
}

func (o *object) text(name, value string) {
	o.name(name)
	writeString(o.out, value)
}

func (o *object) end() { o.out.WriteByte('}') }

// list writes an array of n elements.
func list(out *bytes.Buffer, n int, element func(i int)) {
	out.WriteByte('[')
	for i := range n {
		if i > 0 {
			out.WriteByte(',')
		}
		element(i)
	}
	out.WriteByte(']')
}

func writeString(out *bytes.Buffer, s string) {
	quoted, err := marshal(s)
	if err != nil {
		panic(err) // a string
	}
	out.Write(quoted)
}
