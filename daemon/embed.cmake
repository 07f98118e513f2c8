# Writes a source file that holds the YAML files of experiments/, so that a program finds them wherever it lies.
# Called with -DROOT=.../experiments -DOUT=embedded.cpp -DFILES="a.yaml|b.yaml".
string(REPLACE "|" ";" FILES "${FILES}")
set(text "#include \"daemon/thyrode_commands.hpp\"\n\nnamespace thyrode::program {\n\n")
string(APPEND text "std::vector<EmbeddedFile> embedded_files() {\n  return {\n")
foreach(file ${FILES})
  file(READ "${ROOT}/${file}" content)
  string(APPEND text "      {\"${file}\", R\"yaml(${content})yaml\"},\n")
endforeach()
string(APPEND text "  };\n}\n\n}  // namespace thyrode::program\n")
file(WRITE "${OUT}" "${text}")
