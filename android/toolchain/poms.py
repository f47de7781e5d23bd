#!/usr/bin/env python3
"""poms.py CATALOGUE FOLDER: writes a Maven project for each family of bundles of gradle/libs.versions.toml.

Maven only downloads what these name. A family that starts with "tool-" is resolved with all that it stands on; of every
other one each library is taken alone, since Maven would choose versions by nearness.
"""

import sys
import tomllib
from pathlib import Path
from xml.sax.saxutils import escape

ALONE = "<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions>"
# Robolectric's are archives of Android, which the family "test" names.
OF_ANDROID = "".join(
    f"<exclusion><groupId>{group}</groupId><artifactId>*</artifactId></exclusion>"
    for group in ("androidx.test", "androidx.test.espresso", "androidx.test.ext")
)
# Central first. Google's own repository is asked for what Central does not have, so that it is needed only there.
REPOSITORIES = """<repositories>
    <repository><id>central</id><url>https://repo1.maven.org/maven2</url></repository>
    <repository><id>google</id><url>https://dl.google.com/dl/android/maven2</url></repository>
  </repositories>"""


def family_of(bundle: str) -> str:
    if bundle.startswith(("tool-", "plain-")):
        return bundle
    return bundle.split("-")[0]


def dependency(library: dict, versions: dict, bundle: str) -> str:
    group, artifact = library["module"].split(":")
    version = library["version"]
    if isinstance(version, dict):
        version = versions[version["ref"]]
    kind = "<type>aar</type>" if bundle.endswith("aars") else ""
    without = f"<exclusions>{OF_ANDROID}</exclusions>" if bundle.startswith("tool-") else ALONE
    return (
        f"    <dependency><groupId>{escape(group)}</groupId><artifactId>{escape(artifact)}</artifactId>"
        f"<version>{escape(version)}</version>{kind}{without}</dependency>"
    )


def main() -> None:
    catalogue = tomllib.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    folder = Path(sys.argv[2])
    folder.mkdir(parents=True, exist_ok=True)
    families: dict[str, list[str]] = {}
    for bundle, names in catalogue["bundles"].items():
        lines = families.setdefault(family_of(bundle), [])
        for name in names:
            lines.append(dependency(catalogue["libraries"][name], catalogue["versions"], bundle))
    for family, lines in families.items():
        (folder / f"{family}.xml").write_text(
            '<project xmlns="http://maven.apache.org/POM/4.0.0">\n  <modelVersion>4.0.0</modelVersion>\n'
            f"  <groupId>io.github.countersign</groupId><artifactId>{family}</artifactId><version>1</version>\n"
            f"  {REPOSITORIES}\n  <dependencies>\n" + "\n".join(lines) + "\n  </dependencies>\n</project>\n",
            encoding="utf-8",
        )
        print(family)


if __name__ == "__main__":
    main()
