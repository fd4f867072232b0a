/** The version of this package, as package.json has it. */
export const packageVersion = "0.1.0";
