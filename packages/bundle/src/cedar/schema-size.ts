import type { CedarSchema, CedarTypeName } from '@provability-fabric/policy/cedar';

const MAX_SIZE = 20_000;

/**
 * The common type that is too large written out. The validator writes them all out: forty types of two fields
 * each, every one made of the one before, would keep it busy for years.
 */
export function oversizedType({ commonTypes }: CedarSchema): string | undefined {
  const definitions = new Map(commonTypes.map(({ name, type }) => [name, type]));
  const sizes = new Map<string, number>();
  const sizeOf = (type: CedarTypeName): number => {
    switch (type.kind) {
      case 'common': {
        const known = sizes.get(type.name);
        const definition = definitions.get(type.name);
        if (known !== undefined || !definition) return known ?? 1;
        sizes.set(type.name, 1); // A type within itself ends here; the validator refuses it.
        const size = sizeOf(definition);
        sizes.set(type.name, size);
        return size;
      }
      case 'set':
        return 1 + sizeOf(type.element);
      case 'record':
        return type.attributes.reduce((sum, attribute) => sum + sizeOf(attribute.type), 1);
      default:
        return 1;
    }
  };
  return commonTypes.find((type) => sizeOf(type.type) > MAX_SIZE)?.name;
}
