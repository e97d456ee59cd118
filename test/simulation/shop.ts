/** The shop as a scenario. */

import type { Scenario } from "./scenario.ts";
import { loadShop } from "./shop-config.ts";
import { checkShop } from "./shop-model.ts";
import { planShop } from "./shop-plan.ts";

const classes = { db: "exact", crm: "keyed", chat: "plain" } as const;

export async function createShop(): Promise<Scenario> {
  return {
    name: "shop",
    revision: await loadShop(),
    plan: planShop,
    classOf: ({ name }) => classes[name as keyof typeof classes],
    lowering: new Set(["customer.downgraded"]),
    mirrored(connection, entityType) {
      if (connection === "db") return "all";
      if (entityType !== "customer") return undefined;
      return connection === "crm" ? ["tier", "seats", "note", "spend", "region"] : ["tier", "score"];
    },
    check: checkShop,
  };
}
