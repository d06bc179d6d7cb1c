import type { Diagnostics } from './diagnostics.ts';
import type { BundleDocument } from './shape/bundle-shape.ts';
import type { Locations } from './yaml/located.ts';

/** A bundle.yaml whose shape is right, on its way to its compiled form. */
export interface Compilation {
  readonly document: BundleDocument;
  readonly locations: Locations;
  readonly found: Diagnostics;
}
