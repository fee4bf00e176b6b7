// Checks the state machine's definition on standard input with `asl-validator`; prints a JSON list of what is wrong.
import { readFileSync, writeFileSync } from "node:fs";
import validate from "asl-validator";

const { errors } = validate(JSON.parse(readFileSync(0, "utf8")), { checkArn: true, checkPaths: true });
writeFileSync(1, JSON.stringify(errors.map((error) => JSON.stringify(error))));
