import com.pixelmed.validate.DicomSRValidator;

/** PixelMed's DicomSRValidator over many files in one JVM: its own main takes one and compiles its rules each time. */
public class ValidateReports {
    public static void main(String[] files) throws Exception {
        DicomSRValidator validator = new DicomSRValidator();
        validator.setOptionCheckContentItemOrder(true);
        validator.setOptionCheckTemplateID(true);
        for (String file : files) {
            System.out.println("=== " + file);
            String found;
            try {
                found = validator.validate(file);
            } catch (Exception failure) {
                found = "Error: " + failure;
            }
            System.out.println(found);
        }
    }
}
