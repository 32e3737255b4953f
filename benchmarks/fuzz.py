"""x."""
from __future__ import annotations
import sys, json, tempfile, importlib
from pathlib import Path
from fuzz_watch import try_all, watched, seeded

KINDS = {"score": ("fuzz_csv", "score_texts"), "train": ("fuzz_csv", "train_texts"), "parquet": ("fuzz_csv", "score_parquet"),
"models":("fuzz_models","broken_models"),"pickles":("fuzz_models","pickles"),"hashes":("fuzz_models","hash_files"),"cards":("fuzz_models","data_cards"),"twins":("fuzz_models","twins"),"commands":("fuzz_commands","command_lines")}
def main():
    if sys.argv[1] == "--child":
        kind, a, b = sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
        m, f = KINDS[kind]
        with tempfile.TemporaryDirectory(dir="/dev/shm") as d:
            att = getattr(importlib.import_module(m), f)(Path(d) / "x")
            out = sys.stdout
            def tell(x):
                out.write(json.dumps(x) + "\n"); out.flush()
            try_all(att, range(a, b), tell)
        return
    kind, a, b = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    found = watched(__file__, kind, range(a, b))
    print(found.outcomes, len(found.faults), found.seconds)
    seen = set()
    seen=set(); left=12
    for n, f in found.faults.items():
        key = f.strip().splitlines()[-1][:60] + (f.strip().splitlines()[-3][:80] if len(f.strip().splitlines())>3 else "")
        if key in seen: continue
        left -= 1
        if left < 0: break
        seen.add(key)
        print("----", n); print(f[-900:])
main()
