"""Why a row does not agree: the node, the branch, the digits lost, the likely mistake."""
