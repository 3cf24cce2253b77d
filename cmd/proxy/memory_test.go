package main

import (
	"math"
	"runtime/debug"
	"testing"
	"testing/fstest"
)

func TestMemoryLimit(t *testing.T) {
	const mib = 1 << 20
	for _, tt := range []struct {
		name   string
		files  map[string]string
		want   int64
		budget int64
	}{
		{"no Linux", nil, 0, bodyBudget},
		{
			"version 2, a container",
			map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "33554432\n"},
			32 * mib, 8 * mib,
		},
		{
			"version 2, a unit in a slice with less",
			map[string]string{
				"proc/self/cgroup": "0::/system.slice/dvproxy.service\n",
				"sys/fs/cgroup/system.slice/dvproxy.service/memory.max": "134217728\n",
				"sys/fs/cgroup/system.slice/memory.max":                 "67108864\n",
			},
			64 * mib, 16 * mib,
		},
		{
			"version 2, no limit",
			map[string]string{"proc/self/cgroup": "0::/\n", "sys/fs/cgroup/memory.max": "max\n"},
			0, bodyBudget,
		},
		{
			"version 2, above the top of a namespace",
			map[string]string{"proc/self/cgroup": "0::/../../other\n", "sys/fs/cgroup/memory.max": "33554432\n"},
			32 * mib, 8 * mib,
		},
		{
			"version 1, by the host's path",
			map[string]string{
				"proc/self/cgroup":                           "9:cpu,cpuacct:/x\n4:memory:/machine/abc\n0::/\n",
				"sys/fs/cgroup/memory/memory.limit_in_bytes": "50331648\n",
			},
			48 * mib, 12 * mib,
		},
		{
			"version 1, no limit",
			map[string]string{
				"proc/self/cgroup": "4:memory:/a\n",
				"sys/fs/cgroup/memory/a/memory.limit_in_bytes": "9223372036854771712\n",
				"sys/fs/cgroup/memory/memory.limit_in_bytes":   "9223372036854771712\n",
			},
			0, bodyBudget,
		},
		{
			"nonsense",
			map[string]string{"proc/self/cgroup": "memory\n\n:::::\n0::/a\n", "sys/fs/cgroup/a/memory.max": "-1\n", "sys/fs/cgroup/memory.max": "many\n"},
			0, bodyBudget,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			root := fstest.MapFS{}
			for name, text := range tt.files {
				root[name] = &fstest.MapFile{Data: []byte(text)}
			}
			if got := memoryLimit(root); got != tt.want {
				t.Errorf("limit %d, want %d", got, tt.want)
			}
			defer debug.SetMemoryLimit(debug.SetMemoryLimit(-1))
			debug.SetMemoryLimit(math.MaxInt64)
			t.Setenv("GOMEMLIMIT", "")
			if got := fitMemory(root); got != tt.budget {
				t.Errorf("budget %d, want %d", got, tt.budget)
			}
			want := int64(math.MaxInt64)
			if tt.want > 0 {
				want = tt.want / 4 * 3
			}
			if got := debug.SetMemoryLimit(-1); got != want {
				t.Errorf("the collector's limit is %d, want %d", got, want)
			}
			debug.SetMemoryLimit(math.MaxInt64)
			t.Setenv("GOMEMLIMIT", "100MiB")
			fitMemory(root)
			if got := debug.SetMemoryLimit(-1); got != math.MaxInt64 {
				t.Errorf("with GOMEMLIMIT set, the collector's limit became %d", got)
			}
		})
	}
}
