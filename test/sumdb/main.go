// Verifies a mirrored log and proofs of govctl with golang.org/x/mod/sumdb alone: note, tiles, inclusion, consistency.
// What it shares with govctl is the formats. Reads one JSON request on standard input; exits 1 with the reason.
package main

import (
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type request struct {
	Vkey        string
	Dir         string
	Older       string
	Inclusion   proof
	Consistency proof
}

type proof struct {
	Index      int64    `json:"leaf_index"`
	Body       []byte   `json:"leaf_body"`
	Hashes     [][]byte `json:"hashes"`
	Checkpoint string   `json:"checkpoint"`
}

func main() {
	counts, err := verify()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	json.NewEncoder(os.Stdout).Encode(counts)
}

func verify() (map[string]int64, error) {
	var asked request
	if err := json.NewDecoder(os.Stdin).Decode(&asked); err != nil {
		return nil, err
	}
	verifier, err := note.NewVerifier(asked.Vkey)
	if err != nil {
		return nil, err
	}
	newest, err := os.ReadFile(filepath.Join(asked.Dir, "checkpoint"))
	if err != nil {
		return nil, err
	}
	tree, err := open(newest, verifier)
	if err != nil {
		return nil, err
	}
	older, err := open([]byte(asked.Older), verifier)
	if err != nil {
		return nil, err
	}
	tiles := tlog.TileHashReader(tree, folder(asked.Dir))
	for index := int64(0); index < tree.N; index++ {
		body, err := entry(asked.Dir, index, tree.N)
		if err != nil {
			return nil, err
		}
		path, err := tlog.ProveRecord(tree.N, index, tiles)
		if err != nil {
			return nil, err
		}
		if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(body)); err != nil {
			return nil, fmt.Errorf("entry %d: %w", index, err)
		}
	}
	grown, err := tlog.ProveTree(tree.N, older.N, tiles)
	if err != nil {
		return nil, err
	}
	if err := tlog.CheckTree(grown, tree.N, tree.Hash, older.N, older.Hash); err != nil {
		return nil, err
	}
	// And the proofs that the daemon made.
	head, err := open([]byte(asked.Inclusion.Checkpoint), verifier)
	if err != nil {
		return nil, err
	}
	leaf := tlog.RecordHash(asked.Inclusion.Body)
	if err := tlog.CheckRecord(hashes(asked.Inclusion.Hashes), head.N, head.Hash, asked.Inclusion.Index, leaf); err != nil {
		return nil, fmt.Errorf("inclusion: %w", err)
	}
	if head, err = open([]byte(asked.Consistency.Checkpoint), verifier); err != nil {
		return nil, err
	}
	if err := tlog.CheckTree(hashes(asked.Consistency.Hashes), head.N, head.Hash, older.N, older.Hash); err != nil {
		return nil, fmt.Errorf("consistency: %w", err)
	}
	return map[string]int64{"entries": tree.N, "from": older.N}, nil
}

// x/mod's own ParseTree reads the go.sum database only; the three lines are the same.
func open(text []byte, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) < 3 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("no root in %q", lines[2])
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// C2SP's path of a tile is x/mod's without the height.
func path(dir string, tile tlog.Tile) string {
	return filepath.Join(dir, "tile", strings.TrimPrefix(tile.Path(), "tile/8/"))
}

type folder string

func (dir folder) Height() int { return 8 }

func (dir folder) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for at, tile := range tiles {
		bytes, err := os.ReadFile(path(string(dir), tile))
		if err != nil {
			return nil, err
		}
		data[at] = bytes
	}
	return data, nil
}

func (dir folder) SaveTiles([]tlog.Tile, [][]byte) {}

func entry(dir string, index, size int64) ([]byte, error) {
	width := int(size - index/256*256)
	if width > 256 {
		width = 256
	}
	hashTile := tlog.Tile{H: 8, L: 0, N: index / 256, W: width}
	file := strings.Replace(path(dir, hashTile), "tile/0/", "tile/entries/", 1)
	bundle, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for skip := index % 256; ; skip-- {
		length := 2 + int(binary.BigEndian.Uint16(bundle))
		if skip == 0 {
			return bundle[2:length], nil
		}
		bundle = bundle[length:]
	}
}

func hashes(raw [][]byte) []tlog.Hash {
	list := make([]tlog.Hash, len(raw))
	for at, bytes := range raw {
		copy(list[at][:], bytes)
	}
	return list
}
