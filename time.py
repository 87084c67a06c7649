import sys,time,random; sys.path.insert(0,".")
from bot import crisis
import yaml
from pathlib import Path
o=[]
for lang in ("ja","zh","en"):
  for path in sorted(Path(f"data/nlu/{lang}").glob("*.yml")):
    for b in yaml.safe_load(path.read_text())["nlu"]:
        if "intent" in b and not b["intent"].startswith("crisis_"):
            o+= [(lang,l[2:].strip()) for l in b["examples"].splitlines() if l.startswith("- ")]
random.seed(1); s=random.sample(o,1500)
for l,t in s: crisis.match(t)
for lang in ("ja","zh","en"):
    x=[t for l,t in s if l==lang]; a=time.process_time()
    for t in x: crisis.match(t)
    print(lang,len(x),round((time.process_time()-a)/len(x)*1000,2),"ms")
