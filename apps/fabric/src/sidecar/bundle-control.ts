import { EvidenceError } from '@provability-fabric/evidence';
import type { BundleList, BundleSummary, Bundles } from '@provability-fabric/gateway-http';
import type { JsonObject } from '@provability-fabric/kernel';
import type { LoadedBundle } from '@provability-fabric/policy';
import type { DataFolder } from '../data-folder.ts';
import { readCompiledJson } from './compiled-json.ts';
import type { Sidecar } from './open-sidecar.ts';

type Scope = Parameters<Bundles['list']>[0];

/** The bundle of a fabric that shares its database with no other. What does not activate changes nothing. */
export function bundleControl(
  { bundles, crypto }: Pick<DataFolder, 'bundles' | 'crypto'>,
  sidecar: Pick<Sidecar, 'inForce' | 'adopt'>,
): Bundles {
  /** One after the other: the higher of two versions at once must not be overtaken by the lower. */
  let activating: Promise<unknown> = Promise.resolve();

  return {
    async list(scope, name = sidecar.inForce().ir.name) {
      const active = seenBy(scope, summaryOf(sidecar.inForce()));
      const known = bundles
        .list()
        .toReversed()
        .flatMap((bundle) => seenBy(scope, bundle) ?? []);
      return listOf(name, active?.name === name ? active : null, known);
    },
    activate(scope, json) {
      const activated = activating.then(async () => {
        const read = readCompiledJson(json, crypto);
        if (!read.ok) return read;
        const { ir } = read.loaded;
        const inForce = sidecar.inForce().ir;
        if (ir.name !== inForce.name) {
          const problem = `expected bundle \`${inForce.name}\`, which is in force here, came \`${ir.name}\``;
          return { ok: false, code: 'BUNDLE_WRONG_NAME', problem } as const;
        }
        const ruled = [...inForce.tenants, ...ir.tenants];
        if (scope.tenant !== null && ruled.some((tenant) => tenant !== scope.tenant)) {
          const problem =
            'expected a bundle that decides, and one in force that decides, for the tenant of this token alone';
          return { ok: false, code: 'FORBIDDEN', problem } as const;
        }
        try {
          await bundles.activate(json as JsonObject);
        } catch (error) {
          if (!(error instanceof EvidenceError) || error.code !== 'BUNDLE_ROLLBACK') throw error;
          return { ok: false, code: 'BUNDLE_ROLLBACK', problem: error.message } as const;
        }
        await sidecar.adopt(ir);
        return { ok: true, bundle: summaryOf(read.loaded) } as const;
      });
      activating = activated.catch(() => undefined);
      return activated;
    },
  };
}

export function summaryOf({ ir, digest }: LoadedBundle): BundleSummary {
  return { name: ir.name, version: ir.version, digest, tenants: ir.tenants };
}

/** A tenant sees what decides for it, and not for whom else. */
export function seenBy({ tenant }: Scope, bundle: BundleSummary): BundleSummary | null {
  if (tenant === null) return bundle;
  return bundle.tenants.includes(tenant) ? { ...bundle, tenants: [tenant] } : null;
}

/** Of one name where it is given, the active one apart. */
export function listOf(
  name: string | undefined,
  active: BundleSummary | null,
  known: readonly BundleSummary[],
): BundleList {
  const named = name === undefined ? known : known.filter((bundle) => bundle.name === name);
  return { active, archived: named.filter(({ digest }) => digest !== active?.digest) };
}
