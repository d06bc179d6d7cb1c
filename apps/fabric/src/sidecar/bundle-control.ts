import { EvidenceError } from '@provability-fabric/evidence';
import type { Activation, BundleSummary, Bundles } from '@provability-fabric/gateway-http';
import type { JsonObject, JsonValue } from '@provability-fabric/kernel';
import { type CompiledBundle, parseCompiledBundle } from '@provability-fabric/policy';
import type { DataFolder } from '../data-folder.ts';
import type { Sidecar } from './open-sidecar.ts';

/** Which bundle is in force here, and another one in its place. What does not activate changes nothing. */
export function bundleControl(folder: Pick<DataFolder, 'bundles'>, sidecar: Sidecar): Bundles {
  return {
    async list() {
      const { digest } = sidecar.inForce();
      const summaries = folder.bundles.list();
      const active = summaries.find((bundle) => bundle.digest === digest) as BundleSummary;
      return { active, archived: summaries.filter((bundle) => bundle.digest !== digest) };
    },
    async activate(json) {
      const read = parsed(json);
      if (!read.ok) return read;
      const inForce = sidecar.inForce().ir.name;
      if (read.bundle.name !== inForce) {
        const problem = `expected bundle \`${inForce}\`, which is in force here, came \`${read.bundle.name}\``;
        return { ok: false, code: 'BUNDLE_WRONG_NAME', problem };
      }
      try {
        const stored = await folder.bundles.activate(json as JsonObject);
        await sidecar.adopt(read.bundle);
        return { ok: true, bundle: { ...stored, tenants: read.bundle.tenants } };
      } catch (error) {
        if (!(error instanceof EvidenceError) || error.code !== 'BUNDLE_ROLLBACK') throw error;
        return { ok: false, code: 'BUNDLE_ROLLBACK', problem: error.message };
      }
    },
  };
}

function parsed(json: JsonValue): { ok: true; bundle: CompiledBundle } | (Activation & { ok: false }) {
  try {
    return { ok: true, bundle: parseCompiledBundle(json) };
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'expected a compiled bundle';
    return { ok: false, code: 'BUNDLE_INVALID', problem };
  }
}
