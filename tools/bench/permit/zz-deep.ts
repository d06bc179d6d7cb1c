import { deepHierarchies, distinctScopes } from '/work/main/tools/bench/permit/shapes.ts';
import { fabric } from '/work/main/tools/bench/permit/systems.ts';
import { Random } from '/work/main/tools/bench/permit/random.ts';
for (const n of [100, 1000, 100, 1000]) { const shape=deepHierarchies(n); const a=await fabric(shape); const r=new Random(2); const qs=Array.from({length:1024},()=>shape.question(r));
 for (let k=0;k<5;k++){ const t=performance.now(); for(let i=0;i<20000;i++) a(qs[i%1024]!); console.log(n, ((performance.now()-t)/20).toFixed(2),'µs avg'); } }
